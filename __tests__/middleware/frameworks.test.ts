import { METHODS } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { CANARY, kinds, logIn, startSwitch, type Switch } from '../support/corpus.js'
import { plainOf } from '../support/plain.js'
import { sendRawRequest } from '../support/raw.js'

describe.each(kinds)('the decision about a request, with %s', (kind) => {
  let vendor: VendorServer
  let gate: Switch
  beforeAll(async () => {
    vendor = await startVendor('oauth2')
    gate = await startSwitch(kind)
  })
  afterAll(async () => {
    await gate.close()
    await vendor.close()
  })

  const use = (options: object = {}) =>
    gate.use({ provider: { acme: plainOf(vendor) }, ...options })
  const overrides = [
    'X-Forwarded-Uri: /auth/session',
    'X-Original-URL: /public',
    'X-Rewrite-URL: /auth/session',
    'X-Forwarded-Prefix: /auth',
    'X-Forwarded-Path: /auth/session',
    'X-Forwarded-Method: OPTIONS',
    'X-HTTP-Method-Override: OPTIONS',
    'X-HTTP-Method: OPTIONS',
    'X-Method-Override: OPTIONS',
    'X-Original-Method: OPTIONS',
    'X-Original-URI: /auth/session',
    'X-Envoy-Original-Path: /auth/session',
  ]

  // What could be read as a path below /auth/, by some router.
  const disguised = [
    '/AUTH/session',
    '/Auth/nothing',
    '//auth/nothing',
    '///auth/nothing',
    '/auth//nothing',
    '/./auth/nothing',
    '/x/../auth/nothing',
    '/auth/../auth/nothing',
    '/auth/./nothing',
    '/%61uth/nothing',
    '/a%75th/nothing',
    '/auth%2fnothing',
    '/auth%2Fnothing',
    '/%2fauth/nothing',
    '/auth;x=1/nothing',
    '/auth/nothing;x',
    '/auth/nothing/',
    '/%2561uth/nothing',
    '/auth\\nothing',
    '\\auth\\nothing',
    'http://other.example/auth/nothing',
    '/auth/%2e%2e/auth/nothing',
    '/x/%2e%2e/auth/nothing',
    '/auth/nothing%00',
    '/auth/nothing%20',
    '/auth/callback/',
    '/auth/callback%2f',
    '/auth/',
  ]

  test.each(disguised)(
    'S-022, S-030 %s never reaches the app, with a session or without',
    async (target) => {
      use()
      const calls = gate.upstream.calls
      const cookie = await logIn(gate)
      for (const headers of [[], [`Cookie: ${cookie}`]]) {
        const answer = await sendRawRequest(gate.port, { target, headers })
        expect([answer.status < 500, answer.text.includes(CANARY)]).toEqual([true, false])
      }
      expect(gate.upstream.calls).toBe(calls)
    },
  )

  // What only looks like it, and is the app's.
  test.each([
    '/authentication',
    '/auth-docs/x',
    '/oauth/callback',
    '/a/auth/callback',
    '/auth',
    '/x?next=/auth/session',
    '/xauth/y',
  ])('S-030 %s belongs to the app and needs a session', async (target) => {
    use()
    expect((await sendRawRequest(gate.port, { target })).status).toBe(302)
    const answer = await sendRawRequest(gate.port, {
      target,
      headers: [`Cookie: ${await logIn(gate)}`],
    })
    expect([answer.status, answer.body.includes(CANARY)]).toEqual([200, true])
  })

  test.each(overrides)('S-105 %s changes neither path nor method', async (header) => {
    use({ optionsPassthrough: true })
    const calls = gate.upstream.calls
    const page = await sendRawRequest(gate.port, { target: '/deep', headers: [header] })
    expect([page.status, new URL(page.headers['location'] ?? 'about:blank').origin]).toEqual([
      302,
      vendor.origin,
    ])
    const post = await sendRawRequest(gate.port, {
      method: 'POST',
      target: '/deep',
      headers: [header, 'Content-Type: application/x-www-form-urlencoded'],
      body: '_method=OPTIONS',
    })
    expect(post.status).toBe(401)
    expect(gate.upstream.calls).toBe(calls)
    const special = await sendRawRequest(gate.port, {
      target: '/auth/nothing',
      headers: ['X-Original-URL: /deep', header],
    })
    expect(special.status).toBe(404)
  })

  test('S-106 OPTIONS passes only with optionsPassthrough, exactly that method, and without an identity', async () => {
    use({ optionsPassthrough: true })
    const cookie = await logIn(gate)
    const ask = async (method: string) => {
      const calls = gate.upstream.calls
      const { status } = await sendRawRequest(gate.port, { method, target: '/deep' })
      return { status, calls: gate.upstream.calls - calls }
    }
    expect(await ask('OPTIONS')).toEqual({ status: 200, calls: 1 })
    // Node takes no method that it does not know; CONNECT is not a request for the app.
    const others = METHODS.filter((method) => !['OPTIONS', 'CONNECT'].includes(method))
    for (const method of [...others, 'options', 'Options', 'OPTIONSX', 'XOPTIONS']) {
      const { status, calls } = await ask(method)
      expect([method, [302, 400, 401].includes(status), calls]).toEqual([method, true, 0])
    }
    await sendRawRequest(gate.port, {
      method: 'OPTIONS',
      target: '/deep',
      headers: [`Cookie: ${cookie}`],
    })
    expect(Object.keys(gate.upstream.headers).filter((name) => name.startsWith('ngrok-'))).toEqual(
      [],
    )
  })

  test('S-106 OPTIONS does not pass by default, and never below /auth/', async () => {
    use()
    expect((await sendRawRequest(gate.port, { method: 'OPTIONS', target: '/deep' })).status).toBe(
      401,
    )
    use({ optionsPassthrough: true })
    expect(
      (await sendRawRequest(gate.port, { method: 'OPTIONS', target: '/auth/nothing' })).body,
    ).not.toContain(CANARY)
    expect(
      (await sendRawRequest(gate.port, { method: 'OPTIONS', target: '/auth/callback' })).status,
    ).toBe(405)
  })

  const clients = [
    'User-Agent: GoogleHC/1.0',
    'User-Agent: kube-probe/1.29',
    'User-Agent: ELB-HealthChecker/2.0',
    'User-Agent: Amazon-Route53-Health-Check-Service',
    'User-Agent: Prometheus/2.50',
    'X-Forwarded-For: 127.0.0.1',
    'X-Real-IP: 127.0.0.1',
    'Forwarded: for=127.0.0.1',
    'X-Health-Check: 1',
    'Host: localhost',
  ]
  test.each(clients)('S-108 “%s” grants no access', async (header) => {
    use()
    for (const target of [
      '/',
      '/ping',
      '/ready',
      '/health',
      '/healthz',
      '/robots.txt',
      '/favicon.ico',
      '/.well-known/health',
      '/metrics',
    ]) {
      const answer = await sendRawRequest(gate.port, { target, headers: [header] })
      expect([target, answer.status, answer.body.includes(CANARY)]).toEqual([target, 302, false])
    }
  })

  if (kind !== 'http') {
    test('S-106 a method override in front of the gate does not turn a POST into OPTIONS', async () => {
      const middleware = use({ optionsPassthrough: true })
      gate.middleware = Object.assign(
        ((req, res, next) => {
          Object.assign(req, { originalMethod: req.method, method: 'OPTIONS' })
          middleware(req, res, next)
        }) as typeof middleware,
        middleware,
      )
      const answer = await sendRawRequest(gate.port, { method: 'POST', target: '/deep' })
      expect([answer.status === 200, answer.body.includes(CANARY)]).toEqual([false, false])
    })
  }
})
