import type { IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { AllowedPaths, allowedPathProblem } from '../../src/command/gateway/allowed-paths.js'
import { TrustedProxies, trustedProxyProblem } from '../../src/command/gateway/trusted-proxies.js'
import { logIn } from '../support/corpus.js'
import { stopAll } from '../support/gate.js'
import { startTestGateway, startUpstream, type TestGateway } from '../support/gateway.js'
import { sendRawRequest } from '../support/raw.js'

let upstreamPort: number
let seen: { line: string; headers: IncomingHttpHeaders } | undefined

beforeAll(async () => {
  const { port } = await startUpstream((req, res) => {
    seen = { line: `${req.method} ${req.url}`, headers: req.headers }
    res.end('from the app')
  })
  upstreamPort = port
})
afterAll(stopAll)

describe('S-107 allowPaths', () => {
  let gateway: TestGateway
  let cookie: string
  beforeAll(async () => {
    gateway = await startTestGateway({
      target: upstreamPort,
      allowPaths: ['GET /health', 'POST /hooks/*', 'GET /assets/*', 'GET /auth/*'],
    })
    cookie = await logIn(gateway)
  })

  const send = (line: string, headers: string[] = []) => {
    const [method = '', target = ''] = line.split(' ')
    seen = undefined
    return sendRawRequest(gateway.port, { method, target, headers })
  }

  test.each([
    'GET /health',
    'HEAD /health',
    'GET /health?a=/../x;y',
    'POST /hooks/',
    'POST /hooks/a/b',
    'GET /assets/a.b.css?v=1',
    'GET /assets/%C3%A9.png',
    'GET /assets/a%20b',
    'GET /assets/...',
    'GET /assets/.well-known',
  ])('%s needs no session', async (line) => {
    expect((await send(line)).status).toBe(200)
    expect(seen?.line).toBe(line)
  })

  test.each([
    ...[
      'POST /health',
      'OPTIONS /health',
      'GET /health/',
      'GET /Health',
      'GET /health/x',
      'GET /healthy',
    ],
    ...[
      'GET /hooks/a',
      'POST /hooks',
      'POST /hooksx',
      'GET //health',
      'GET /./health',
      'GET /x/../health',
    ],
    ...['GET /health;a=b', 'GET /health%3Fa', 'GET /health%23', 'GET /health%2f', 'GET /%68ealth'],
    ...[
      'GET /assets/../admin',
      'GET /assets/%2e%2e/admin',
      'GET /assets/%2E%2E%2Fadmin',
      'GET /assets/..%2fadmin',
    ],
    ...[
      'GET /assets/..;/admin',
      'GET /assets/..%3b/admin',
      'GET /assets/..\\admin',
      'GET /assets/..%5cadmin',
    ],
    ...[
      'GET /assets/.',
      'GET /assets/./x',
      'GET /assets//x',
      'GET /assets/a;b',
      'GET /assets/a%00b',
    ],
    ...[
      'GET /assets/%252e%252e/admin',
      'GET /assets/a%0d%0ab',
      'GET /assets/x%3f',
      'GET /assets%2fx',
      'GET /ASSETS/x',
    ],
    ...['GET /auth/x', 'GET /auth/callback', 'GET /assets/..', 'GET /assets'],
    ...[
      // Two bytes of UTF-8 for a dot or slash, and three and four of them.
      'GET /assets/%c0%ae%c0%ae/admin',
      'GET /assets/..%C0%AFadmin',
      'GET /assets/..%e0%80%afadmin',
      'GET /assets/..%f0%80%80%afadmin',
      'GET /assets/%u002e%u002e/admin',
      'GET /assets/%%32%65%%32%65/admin',
      'GET /assets/..%',
      // Parsers of URLs remove tabs.
      'GET /assets/.\t./admin',
      'GET /assets/.\xad./admin',
    ],
  ])('%s needs one', async (line) => {
    const { status } = await send(line)
    expect([302, 400, 401, 404]).toContain(status)
    expect(seen).toBeUndefined()
  })

  test('such a request has no identity, no cookie of ours, and no other method', async () => {
    const answer = await send('GET /health', [
      `Cookie: a=b; ${cookie}`,
      'ngrok-auth-user-id: attacker',
      'Ngrok_Auth_User_Name: attacker',
      'X-HTTP-Method-Override: DELETE',
      'x_http_method: DELETE',
      'X-Original-URL: /admin',
      'X-Rewrite-Url: /admin',
      'X-Forwarded-Uri: /admin',
      'X-Forwarded-For: 10.1.1.1',
    ])
    expect(answer.status).toBe(200)
    expect(seen?.headers).toEqual({
      host: `localhost:${gateway.port}`,
      connection: 'keep-alive',
      cookie: 'a=b',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': `localhost:${gateway.port}`,
      'x-forwarded-proto': 'http',
    })
  })

  test('neither has an OPTIONS request that passes without a session', async () => {
    const open = await startTestGateway({
      target: upstreamPort,
      options: { optionsPassthrough: true },
    })
    const headers = ['X-HTTP-Method-Override: DELETE', 'x_http_method: DELETE']
    await sendRawRequest(open.port, { method: 'OPTIONS', target: '/a', headers })
    expect(seen?.line).toBe('OPTIONS /a')
    expect(JSON.stringify(seen?.headers)).not.toContain('DELETE')
  })

  test('a method override of a signed-in user reaches the app', async () => {
    await send('POST /form', [`Cookie: ${cookie}`, 'X-HTTP-Method-Override: DELETE'])
    expect(seen?.headers['x-http-method-override']).toBe('DELETE')
  })

  test.each([
    ['/health', 'without method or path'],
    ['get /health', 'without method or path'],
    ['GET health', 'without method or path'],
    ['GET /a b', 'without method or path'],
    ['HEAD /health', 'allowed together with GET'],
    ['GET /*/x', "wildcard elsewhere than '/*' at the end"],
    ['GET /x*', "wildcard elsewhere than '/*' at the end"],
    ['GET /a/../b', 'no request with such a path is allowed'],
    ['GET /a%2fb', 'no request with such a path is allowed'],
    ['GET /a//b', 'no request with such a path is allowed'],
    ['GET /a;b', 'no request with such a path is allowed'],
    ['GET /a\\b', 'no request with such a path is allowed'],
    ['GET /a?b', 'no request with such a path is allowed'],
    ['GET //*', 'no request with such a path is allowed'],
  ])('%s is no valid entry', (entry, problem) => {
    expect(() => new AllowedPaths([entry])).toThrow(TypeError)
    expect(() => new AllowedPaths([entry])).toThrow(problem)
    expect(allowedPathProblem(entry)).toContain(problem)
  })
})

describe('X-Forwarded-*', () => {
  const forged = [
    'X-Forwarded-For: 10.1.1.1, 192.0.2.7',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: public.example',
    'X-Forwarded-Port: 8443',
    'X-Forwarded-Prefix: /app',
    'X_Forwarded_For: 10.2.2.2',
    'x.forwarded.host: evil.example',
    'Forwarded: for=10.3.3.3;host=evil.example',
    'X-Real-IP: 10.4.4.4',
    'X-Forwarded-Ssl: on',
    'X-Original-URL: /admin',
  ]
  const reported = () =>
    Object.fromEntries(
      Object.entries(seen?.headers ?? {}).filter(([name]) => /^(?:x-|x_|x\.|forwarded)/.test(name)),
    )

  test('of a client are replaced', async () => {
    const gateway = await startTestGateway({ target: upstreamPort })
    const cookie = await logIn(gateway)
    await sendRawRequest(gateway.port, { headers: [`Cookie: ${cookie}`, ...forged] })
    expect(reported()).toEqual({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': `localhost:${gateway.port}`,
    })
    const login = await sendRawRequest(gateway.port, { headers: forged })
    expect(login.headers['location']).toContain(
      encodeURIComponent(`http://localhost:${gateway.port}/auth/callback`),
    )
  })

  test('of a trusted proxy are appended to and kept, and decide on redirect URI and cookie', async () => {
    const gateway = await startTestGateway({
      target: upstreamPort,
      trustedProxies: ['10.0.0.0/8', 'loopback'],
      allowPaths: ['GET /open'],
    })
    const headers = forged.filter((line) => !/^X-Forwarded-(?:Proto|Host)/.test(line))
    const https = [...headers, 'X-Forwarded-Proto: https', 'X-Forwarded-Host: public.example']
    await sendRawRequest(gateway.port, { target: '/open', headers: https })
    expect(reported()).toEqual({
      'x-forwarded-for': '10.1.1.1, 192.0.2.7, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'public.example',
      'x-forwarded-port': '8443',
      'x-forwarded-prefix': '/app',
      'x-real-ip': '10.4.4.4',
    })
    const login = await sendRawRequest(gateway.port, { headers: https })
    expect(login.headers['location']).toContain(
      encodeURIComponent('https://public.example/auth/callback'),
    )
    expect(login.headers['set-cookie']).toMatch(/^__Host-ngrok\.nonce.*Secure/)
    const line = gateway.lines.filter(({ message }) => message === 'request').at(-1)
    expect(line?.details['address']).toBe('192.0.2.7')
  })

  test('scheme and host are those of baseUrl', async () => {
    const gateway = await startTestGateway({
      target: upstreamPort,
      allowPaths: ['GET /open'],
      options: { baseUrl: 'https://app.example' },
    })
    await sendRawRequest(gateway.port, { target: '/open', headers: forged })
    expect(reported()).toEqual({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'app.example',
    })
  })

  test('the headers of the preset oauth2-proxy stay those of the gate', async () => {
    const gateway = await startTestGateway({
      target: upstreamPort,
      options: { headerPrefix: 'oauth2-proxy', forwardTokens: true },
    })
    const cookie = await logIn(gateway)
    await sendRawRequest(gateway.port, {
      headers: [
        `Cookie: ${cookie}`,
        'X-Forwarded-User: attacker',
        'X_Forwarded_Email: attacker',
        'Connection: close, x-forwarded-user',
      ],
    })
    expect(reported()).toMatchObject({
      'x-forwarded-user': 'u-77',
      'x-forwarded-email': 'pat@acme.example',
      'x-forwarded-access-token': expect.any(String),
      'x-forwarded-for': '127.0.0.1',
    })
    expect(JSON.stringify(seen)).not.toContain('attacker')
  })

  test.each([
    ...['10.0.0.0/33', '::1/129', 'x', '10.0.0.0/8/8', '', '10.0.0', 'all', '10.0.0.0/'],
    ...['fe80::1%eth0', 'constructor'],
  ])('"%s" is no valid proxy', (entry) => {
    expect(() => new TrustedProxies([entry])).toThrow(
      'trustedProxies has an entry that is neither an address nor a network',
    )
    expect(trustedProxyProblem(entry)).toMatch(/^has an entry/)
  })
})

test.each(['http://127.0.0.1:1/app', 'ftp://x', 'http://u:p@x', 'http://x/?q'])(
  '%s is no valid target',
  async (target) => {
    await expect(startTestGateway({ target })).rejects.toThrow('target must be http://host:port')
  },
)
