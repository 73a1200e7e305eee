import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { oauthModule } from '../../src/index.js'
import { tried } from '../support/cases.js'
import {
  CANARY,
  corpus,
  kinds,
  logIn,
  pollution,
  report,
  sampleFor,
  SECRET,
  silent,
  startSwitch,
  type Switch,
  type Upstream,
} from '../support/corpus.js'
import { plainOf } from '../support/plain.js'
import { type RawAnswer, sendRaw as sendBytes } from '../support/raw.js'

interface Case {
  id: string
  class: string
  raw?: [string, string][]
  rawLine?: string
  rawRequest?: string
  expect: string
}

const { cases, cgiFoldReserved } = corpus<{ cases: Case[]; cgiFoldReserved: string[] }>(
  'header-spoof.json',
)

/** Some cases keep the connection open: the test does not wait for its end. */
const sendRaw = (port: number, bytes: string) => sendBytes(port, bytes, { once: true })

/** As a CGI-style upstream reads a header's name. */
const cgi = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
const isReserved = (name: string) =>
  /^_*NGROK_+AUTH_/.test(cgi(name)) || cgiFoldReserved.includes(cgi(name))

/** What of an upstream's request could be taken for an identity. */
function identityOf({
  headers,
  headersDistinct,
  rawHeaders,
}: Pick<Upstream, 'headers' | 'headersDistinct' | 'rawHeaders'>) {
  const pick = (bag: object) =>
    Object.fromEntries(Object.entries(bag).filter(([name]) => isReserved(name)))
  const raw = rawHeaders.filter((_, index) => isReserved(rawHeaders[index - (index % 2)] ?? ''))
  const connection = [
    headers['connection'],
    headersDistinct['connection'],
    rawHeaders.filter(
      (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'connection',
    ),
  ]
  return {
    headers: pick(headers),
    headersDistinct: pick(headersDistinct),
    raw,
    hopByHop: connection.flat(2).filter((value) => /ngrok/i.test(String(value))),
  }
}

const nobody = { headers: {}, headersDistinct: {}, raw: [], hopByHop: [] }

function bytesOf(
  one: Case,
  port: number,
  { method = 'GET', target = '/', cookie }: { method?: string; target?: string; cookie?: string },
): string {
  if (one.rawRequest !== undefined) return one.rawRequest
  const lines = [`${method} ${target} HTTP/1.1`, `Host: localhost:${port}`]
  if (cookie !== undefined) lines.push(`Cookie: ${cookie}`)
  const spoofed =
    one.rawLine === undefined
      ? (one.raw ?? []).map(([name, value]) => `${name}: ${value}`)
      : [one.rawLine]
  lines.push(...spoofed)
  const close = spoofed.some((line) => /^connection:/i.test(line)) ? [] : ['Connection: close']
  return `${[...lines, ...close].join('\r\n')}\r\n\r\n`
}

describe.each(kinds)('S-072, S-073 identity headers with %s', (kind) => {
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

  const provider = () => ({ acme: plainOf(vendor) })

  interface Phase {
    method?: string
    target?: string
    cookie?: string
    judge(one: Case, answer: RawAnswer, calls: number): string | undefined
  }

  async function run({ judge, ...how }: Phase): Promise<string> {
    const faults: string[] = []
    for (const one of sampleFor(kind, cases)) {
      const before = gate.upstream.calls
      const answer = await sendRaw(gate.port, bytesOf(one, gate.port, how))
      // Node 20.12 appends a line with a leading space to the Cookie header in front of it.
      const rejections =
        one.id === 'raw-leading-space' && how.cookie !== undefined ? [400, 302] : [400]
      const isParserCase =
        one.expect === 'http-400-or-stripped' && rejections.includes(answer.status)
      const fault = isParserCase ? undefined : judge(one, answer, gate.upstream.calls - before)
      if (fault !== undefined) faults.push(`${one.id}: ${fault}`)
    }
    expect(gate.errors).toEqual([])
    expect(pollution()).toEqual([])
    return report(faults)
  }

  /**
   * The upstream got the request, with this identity and no other; what is not ours to take came
   * through.
   */
  function arrived(identity: object) {
    return (one: Case, answer: RawAnswer, calls: number) => {
      if (answer.status !== 200 || calls !== 1) return `status ${answer.status}, ${calls} calls`
      const seen = identityOf(gate.upstream)
      if (JSON.stringify(seen) !== JSON.stringify(identity)) return JSON.stringify(seen)
      if (one.expect !== 'preserved') return undefined
      const lost = (one.raw ?? []).filter(
        ([name, value]) => !String(gate.upstream.headers[name.toLowerCase()] ?? '').includes(value),
      )
      return lost.length > 0 ? `${lost} did not arrive` : undefined
    }
  }

  const refused = (statuses: number[]) => (_: Case, answer: RawAnswer, calls: number) =>
    statuses.includes(answer.status) && calls === 0 && !answer.text.includes(CANARY)
      ? undefined
      : `status ${answer.status}, ${calls} calls`

  test('phase 1: without a session no forged header grants access', async () => {
    gate.use({ provider: provider() })
    expect(await run({ judge: refused([302, 400]) })).toBe('')
  })

  test('phase 2: only the values of the session reach the app', async () => {
    gate.use({ provider: provider(), forwardTokens: true })
    const cookie = await logIn(gate)
    await sendRaw(
      gate.port,
      bytesOf({ id: 'plain', class: '', raw: [], expect: '' }, gate.port, { cookie }),
    )
    const own = identityOf(gate.upstream)
    expect(Object.keys(own.headers).sort()).toEqual([
      'ngrok-auth-oauth-access-token',
      'ngrok-auth-oauth-refresh-token',
      'ngrok-auth-user-email',
      'ngrok-auth-user-id',
      'ngrok-auth-user-name',
    ])
    // Behind the command, they come over the wire.
    expect(own.raw).toEqual(kind === 'command' ? Object.entries(own.headers).flat() : [])
    expect(await run({ cookie, judge: arrived(own) })).toBe('')
  })

  test('phase 3: OPTIONS requests that pass carry no identity, not even that of a session', async () => {
    gate.use({ provider: provider(), optionsPassthrough: true })
    expect(await run({ method: 'OPTIONS', judge: arrived(nobody) })).toBe('')
    const cookie = await logIn(gate)
    expect(await run({ method: 'OPTIONS', cookie, judge: arrived(nobody) })).toBe('')
  })

  test.each(['/auth/authn', '/auth/callback?code=x&state=y', '/auth/session', '/auth/nothing'])(
    'phase 4: %s is answered by the module with any headers',
    async (target) => {
      gate.use({ provider: provider() })
      expect(await run({ target, judge: refused([200, 302, 400, 404]) })).toBe('')
    },
  )

  test('phase 5: a request that ends with an error page does not reach the app', async () => {
    gate.use({ provider: provider() })
    const cookie = await logIn(gate)
    gate.store.get = () => {
      throw new Error('the store is down')
    }
    expect(await run({ cookie, judge: refused([503]) })).toBe('')
  })

  test.each([{ unauthenticated: 'pass' as const }, { enabled: false }])(
    'S-073 an anonymous request that passes (%j) carries no identity',
    async (options) => {
      gate.use({ provider: provider(), ...options })
      expect(await run({ judge: arrived(nobody) })).toBe('')
    },
  )

  test.each([
    { headerPrefix: false as const },
    { headerPrefix: 'x-acme-' },
    { headerPrefix: 'oauth2-proxy' },
  ])('S-072 strips the ngrok names even if other names are used (%j)', async (options) => {
    gate.use({ provider: provider(), ...options })
    const cookie = await logIn(gate)
    expect(await run({ cookie, judge: arrived(nobody) })).toBe('')
  })

  test('S-072 strips the names of a custom prefix or preset in every spelling', async () => {
    const spellings = (name: string) => [
      name,
      name.toUpperCase(),
      name.replaceAll('-', '_'),
      name.replaceAll('-', '.'),
      name.replaceAll('-', '--'),
      `_${name}`,
      name.replace('-', '_'),
    ]
    for (const [headerPrefix, name] of [
      ['x-acme-', 'x-acme-user-id'],
      ['oauth2-proxy', 'x-forwarded-user'],
      ['oauth2-proxy-nginx', 'x-auth-request-email'],
    ] as const) {
      gate.use({ provider: provider(), headerPrefix, unauthenticated: 'pass' })
      for (const spelling of tried(spellings(name))) {
        await sendRaw(
          gate.port,
          bytesOf({ id: '', class: '', expect: '', raw: [[spelling, 'attacker']] }, gate.port, {}),
        )
        const { headers, headersDistinct, rawHeaders } = gate.upstream
        expect({
          spelling,
          seen: JSON.stringify([headers, headersDistinct, rawHeaders]).includes('attacker'),
        }).toEqual({ spelling, seen: false })
      }
    }
  })

  test('S-072 strips forged names with every character that a header name may have as a separator', async () => {
    gate.use({ provider: provider(), unauthenticated: 'pass' })
    const parts = ['ngrok', 'auth', 'user', 'id']
    const faults: string[] = []
    for (const one of "!#$%&'*+-.^_`|~") {
      const names = [
        parts.join(one),
        parts.join(one + one),
        one + parts.join(one),
        parts.join(one) + one,
        parts.join(`-${one}`),
        `ngrok${one}auth-user-id`,
        `NGROK-auth${one}USER-id`,
      ]
      for (const name of tried(names)) {
        const answer = await sendRaw(
          gate.port,
          bytesOf({ id: '', class: '', expect: '', raw: [[name, 'attacker']] }, gate.port, {}),
        )
        const { headers, headersDistinct, rawHeaders } = gate.upstream
        if (
          answer.status !== 200 ||
          JSON.stringify([headers, headersDistinct, rawHeaders]).includes('attacker')
        )
          faults.push(`${name}: ${answer.status}`)
      }
    }
    expect(report(faults)).toBe('')
  })

  test('S-074 Connection cannot remove the identity headers at a proxy behind the gate', async () => {
    gate.use({ provider: provider() })
    const cookie = await logIn(gate)
    for (const connection of [
      'ngrok-auth-user-id',
      'keep-alive, NGROK-AUTH-USER-ID',
      'ngrok_auth_user_id,close',
      ' ngrok-auth-user-id , ngrok-auth-user-email',
      'close, x-y',
    ]) {
      await sendRaw(
        gate.port,
        bytesOf({ id: '', class: '', expect: '', raw: [['Connection', connection]] }, gate.port, {
          cookie,
        }),
      )
      const { headers } = gate.upstream
      const named = String(headers['connection'] ?? '')
        .split(',')
        .map((token) => token.trim().toLowerCase())
      const forwarded = Object.keys(headers).filter((name) => !named.includes(name))
      expect(forwarded).toEqual(
        expect.arrayContaining(['ngrok-auth-user-id', 'ngrok-auth-user-email']),
      )
    }
  })

  test('S-081 trailers never become headers', async () => {
    gate.use({ provider: provider(), unauthenticated: 'pass' })
    const lines = [
      'POST / HTTP/1.1',
      `Host: localhost:${gate.port}`,
      'Transfer-Encoding: chunked',
      'Trailer: ngrok-auth-user-id',
      'Connection: close',
      '',
      '1',
      'x',
      '0',
      'ngrok-auth-user-id: attacker',
      '',
      '',
    ]
    const answer = await sendRaw(gate.port, lines.join('\r\n'))
    expect(answer.status).toBe(200)
    expect(identityOf(gate.upstream)).toEqual(nobody)
  })
})

describe('S-072, S-075 behind a proxy', () => {
  let vendor: VendorServer
  let echo: { port: number; seen: IncomingMessage['headers'][]; close(): void }
  beforeAll(async () => {
    vendor = await startVendor('oauth2')
    const seen: IncomingMessage['headers'][] = []
    const server = createServer((req, res) => {
      seen.push(req.headers)
      res.end(CANARY)
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    echo = { port: (server.address() as AddressInfo).port, seen, close: () => void server.close() }
  })
  afterAll(async () => {
    echo.close()
    await vendor.close()
  })

  /** The shortest proxy there is: the app's headers, or its raw ones, go to another server. */
  async function startProxy(kind: 'headers' | 'rawHeaders') {
    const middleware = oauthModule({
      provider: { acme: plainOf(vendor) },
      secret: SECRET,
      logger: silent,
    })
    const forward = (req: IncomingMessage, res: ServerResponse) => {
      const headers = kind === 'headers' ? { ...req.headers } : req.rawHeaders
      request(
        { port: echo.port, host: '127.0.0.1', path: req.url, headers, agent: false },
        (answer) => answer.pipe(res),
      ).end()
    }
    const server = createServer((req, res) => middleware(req, res, () => forward(req, res)))
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    return { port: (server.address() as AddressInfo).port, close: () => void server.close() }
  }

  test.each(['headers', 'rawHeaders'] as const)(
    'that forwards req.%s no forged header arrives',
    async (kind) => {
      const proxy = await startProxy(kind)
      const cookie = await logIn(proxy)
      const faults: string[] = []
      for (const one of cases.filter(({ raw, expect: wanted }) => raw && wanted === 'stripped')) {
        const answer = await sendRaw(proxy.port, bytesOf(one, proxy.port, { cookie }))
        const identity = Object.entries(echo.seen.at(-1) ?? {}).filter(([name]) => isReserved(name))
        const isOwn = identity.every(
          ([name, value]) => name !== 'ngrok-auth-user-id' || value === String(vendor.user.id),
        )
        const isForged =
          identity.some(
            ([name]) =>
              !/^ngrok-auth-(?:user-(?:id|name|email)|oauth-(?:access|refresh)-token)$/.test(name),
          ) ||
          (kind === 'rawHeaders' && identity.length > 0)
        if (answer.status !== 200 || !isOwn || isForged)
          faults.push(`${one.id}: ${answer.status} ${JSON.stringify(identity)}`)
      }
      proxy.close()
      expect(report(faults)).toBe('')
    },
  )

  test('S-075, S-076 every user name results in a valid request, and no value becomes the string "undefined"', async () => {
    const names = [
      '日本語 太郎',
      'Zoë',
      'a\r\nb: c',
      'a\nb',
      'a\rb',
      'a\u0000b',
      'a\u007fb',
      'a\u2028b',
      'a\ud800b',
      'a\tb',
      '100%',
      '\u{1f600}',
      'x'.repeat(5000),
      ' lead and trail ',
      '\u560d\u560a',
      '',
      null,
      undefined,
      5,
      ['a', 'b'],
      { a: 1 },
      true,
    ]
    const proxy = await startProxy('headers')
    const [given] = [{ ...vendor.user }]
    for (const name of tried(names)) {
      vendor.user = { ...given, claims: { name } }
      const cookie = await logIn(proxy)
      const before = echo.seen.length
      const answer = await sendRaw(
        proxy.port,
        bytesOf({ id: '', class: '', raw: [], expect: '' }, proxy.port, { cookie }),
      )
      expect([answer.status, echo.seen.length]).toEqual([200, before + 1])
      const values = Object.entries(echo.seen.at(-1) ?? {})
        .filter(([key]) => isReserved(key))
        .map(([, value]) => String(value))
      expect(
        values.filter(
          (value) =>
            /^(?:undefined|null|\[object Object\]|)$/.test(value) ||
            /[^\x20-\x7e]/.test(value) ||
            value.length > 8192,
        ),
      ).toEqual([])
      const sent = echo.seen.at(-1)?.['ngrok-auth-user-name']
      if (name === '日本語 太郎') expect(decodeURIComponent(String(sent))).toBe(name)
      if (name === '100%') expect(sent).toBe('100%25')
      if (name === '' || typeof name !== 'string') expect(sent).toBeUndefined()
    }
    vendor.user = given
    proxy.close()
  })
})
