import { afterEach, describe, expect, test } from '@jest/globals'
import { adminRouter } from '../../src/admin/index.js'
import { UserAgents } from '../../src/http/user-agent.js'
import { cookieStore, memoryStore, type SessionStore } from '../../src/index.js'
import { adminGate, chrome, deploy } from '../support/admin.js'
import { stopAll } from '../support/gate.js'

afterEach(stopAll)

const create = adminRouter as unknown as (modules: unknown, options: unknown) => unknown
const gateOf = (store: SessionStore = memoryStore()) => adminGate({ store }).auth

describe('adminRouter()', () => {
  test.each<[string, object, RegExp]>([
    ['no tokens', {}, /adminRouter\(\)\.tokens is missing/],
    ['an empty object of tokens', { tokens: {} }, /tokens must be an object/],
    [
      'a short token',
      { tokens: { deploy: 'x'.repeat(31) } },
      /tokens\.deploy must have at least 32/,
    ],
    ['a token with a space', { tokens: { deploy: `${deploy} x` } }, /tokens\.deploy must have/],
    ['an absent token', { tokens: { deploy: undefined } }, /tokens\.deploy must have at least 32/],
    [
      'no token in an object',
      { tokens: { deploy: { readOnly: true } } },
      /deploy\.token is missing/,
    ],
    ['a wrong readOnly', { tokens: { a: { token: deploy, readOnly: 1 } } }, /a\.readOnly must be/],
    ['an unknown option of a token', { tokens: { a: { token: deploy, scope: 1 } } }, /scope/],
    ['a token name with a space', { tokens: { 'a b': deploy } }, /tokens has a name/],
    [
      'one token twice',
      { tokens: { a: deploy, b: { token: deploy } } },
      /same token under two names/,
    ],
    [
      'a locate that is no function',
      { tokens: { a: deploy }, locate: 'x' },
      /locate must be a function/,
    ],
    ['pages', { tokens: { a: deploy }, pages: {} }, /pages/],
    [
      'a wrong allowDisable',
      { tokens: { a: deploy }, allowDisable: 1 },
      /allowDisable must be true or false/,
    ],
    [
      'an unknown retention',
      { tokens: { a: deploy }, retention: { log: 1 } },
      /retention has an unknown option 'log'/,
    ],
    [
      'a retention of more than ten years',
      { tokens: { a: deploy }, retention: { audit: 4e8 } },
      /retention\.audit must be a number of seconds/,
    ],
    [
      'a history of less than a minute',
      { tokens: { a: deploy }, retention: { history: 0 } },
      /retention\.history must be a number of seconds/,
    ],
  ])('rejects %s', (_, options, message) => {
    expect(() => create({ 'main/app': gateOf() }, options)).toThrow(TypeError)
    expect(() => create({ 'main/app': gateOf() }, options)).toThrow(message)
  })

  test('never quotes a token', () => {
    const tokens = { 'a b': 'secret'.repeat(9), c: 'secret' }
    expect(() => create({ 'main/app': gateOf() }, { tokens })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    )
  })

  test.each<[string, () => unknown, RegExp]>([
    ['no modules', () => undefined, /needs an object of modules/],
    ['a module itself', () => gateOf(), /needs an object of modules/],
    ['an empty object', () => ({}), /at least one module/],
    ['a name without a route', () => ({ main: gateOf() }), /'edge_id\/route_id'/],
    ['a name with a third part', () => ({ 'a/b/c': gateOf() }), /'edge_id\/route_id'/],
    ['another function', () => ({ 'main/app': () => undefined }), /main\/app is not a middleware/],
    ['two stores', () => ({ 'a/b': gateOf(), 'a/c': gateOf() }), /share one store/],
    [
      'two default stores',
      () => ({ 'a/b': adminGate().auth, 'a/c': adminGate().auth }),
      /share one store/,
    ],
    [
      'two cookie stores',
      () => ({ 'a/b': gateOf(cookieStore()), 'a/c': gateOf(cookieStore()) }),
      /share one store/,
    ],
  ])('rejects %s', (_, modules, message) => {
    expect(() => create(modules(), { tokens: { deploy } })).toThrow(TypeError)
    expect(() => create(modules(), { tokens: { deploy } })).toThrow(message)
  })

  test('accepts gates that share a store', () => {
    const store = memoryStore()
    const modules = { 'a/b': gateOf(store), 'a/c': gateOf(store) }
    expect(typeof create(modules, { tokens: { deploy, audit: { token: 'x'.repeat(32) } } })).toBe(
      'function',
    )
  })
})

describe('user agents', () => {
  const userAgents = new UserAgents()

  test.each([
    [chrome, 'Chrome', '126.0.0.0', 'Desktop', 'macOS', '10.15.7'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari',
      '17.5',
      'Mobile',
      'iOS',
      '17.5',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0',
      'Firefox',
      '127.0',
      'Desktop',
      'Windows',
      '10',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.56',
      'Microsoft Edge',
      '126.0.2592.56',
      'Desktop',
      'Windows',
      '10',
    ],
    [
      'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0',
      'Firefox',
      '115.0',
      'Desktop',
      'Linux',
      null,
    ],
  ])('%s', (raw, browser_name, browser_version, device_type, os_name, os_version) => {
    expect(userAgents.view(raw)).toEqual({
      raw,
      browser_name,
      browser_version,
      device_type,
      os_name,
      os_version,
    })
  })

  test.each([undefined, '', ' ', '<script>', '\u0000'])('%j has no parts, or plain text', (raw) => {
    expect(userAgents.view(raw)).toMatchObject({ raw: raw ?? '', os_name: null, device_type: null })
  })

  test('of any text take little time', () => {
    const parts = ['Mozilla/5.0 ', '(', ' ', 'a', '/', 'Android ', 'CPU OS ', 'Chrome/', '1.', ';']
    const texts = parts.flatMap((part) => [
      part.repeat(512 / part.length),
      `Mozilla/5.0 (${part.repeat(490 / part.length)}`,
    ])
    const start = performance.now()
    for (const text of texts) userAgents.view(text.slice(0, 512))
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
