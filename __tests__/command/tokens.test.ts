import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { IncomingHttpHeaders } from 'node:http'
import { WebSocket, WebSocketServer } from 'ws'
import { AuthServer } from '../../src/command/gateway/index.js'
import type { OAuthModuleOptions } from '../../src/index.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import { recordingLogger, startTestGateway, startUpstream } from '../support/gateway.js'
import { API, startTokenIssuer, type TokenIssuer, unused } from '../support/token-issuer.js'

const METADATA = '/.well-known/oauth-protected-resource'
const sockets = new WebSocketServer({ noServer: true })
let idp: TokenIssuer
let upstreamPort: number
/** What the app received: paths and headers. */
const received: { path: string; headers: IncomingHttpHeaders }[] = []

beforeAll(async () => {
  idp = await startTokenIssuer()
  const { port, server } = await startUpstream((req, res) => {
    received.push({ path: req.url ?? '', headers: req.headers })
    res.end('{"app":true}')
  })
  server.on('upgrade', (req, socket, head) => {
    received.push({ path: req.url ?? '', headers: req.headers })
    sockets.handleUpgrade(req, socket, head, () => undefined)
  })
  upstreamPort = port
})
beforeEach(() => {
  received.length = 0
})
afterAll(async () => {
  for (const one of sockets.clients) one.terminate()
  await stopAll()
})

const bearer = (): OAuthModuleOptions['bearer'] => ({
  issuers: [{ issuer: idp.origin, audience: API, groups: ['staff'] }],
})
const staff = (more: object = {}) => idp.token({ groups: ['staff'], name: 'Ada', ...more })

async function ask(
  { url }: { url(path: string): string },
  path: string,
  headers: Record<string, string> = {},
) {
  const response = await fetch(url(path), { headers, redirect: 'manual' })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  }
}
const authorization = (token: string) => ({ Authorization: `Bearer ${token}` })

describe('the reverse proxy of the command', () => {
  const start = (options: Partial<OAuthModuleOptions> = {}, settings: object = {}) =>
    startTestGateway({
      ...{ target: upstreamPort, ...settings },
      options: { bearer: bearer(), ...options },
    })

  test('passes a valid token with the identity of its user, and without tokens of a session', async () => {
    const gateway = await start()
    const forged = { 'ngrok-auth-user-id': 'root', 'ngrok-auth-oauth-access-token': 'forged' }
    const { status } = await ask(gateway, '/reports', {
      ...authorization(await staff()),
      ...forged,
    })
    expect(status).toBe(200)
    const headers = received[0]?.headers
    expect(headers?.['ngrok-auth-user-id']).toBe('ada')
    expect(headers?.['ngrok-auth-user-name']).toBe('Ada')
    expect(JSON.stringify(headers)).not.toMatch(/forged|root/)
  })

  test.each([
    ['another audience', { aud: 'other' }, 401, 'invalid_token'],
    ['expired', { exp: 1_700_000_000, iat: 1_600_000_000 }, 401, 'invalid_token'],
    ['denied by the lists', { groups: ['other'] }, 403, 'not_authorized'],
  ])('rejects a token: %s', async (_, claims, status, error) => {
    const gateway = await start({ unauthenticated: 'pass' })
    const answer = await ask(gateway, '/reports', authorization(await staff(claims)))
    expect([answer.status, answer.body['error']]).toEqual([status, error])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*resource_metadata="http/)
    expect(received).toEqual([])
  })

  test('serves the metadata itself, also if the paths without login contain it', async () => {
    const gateway = await start({}, { allowPaths: ['GET /.well-known/*'] })
    for (const path of [METADATA, '/.well-known//oauth-protected-resource']) {
      const { body } = await ask(gateway, path)
      expect(body['app']).toBeUndefined()
    }
    expect((await ask(gateway, METADATA)).body).toMatchObject({
      authorization_servers: [idp.origin],
    })
    expect((await ask(gateway, '/.well-known/security.txt')).body).toEqual({ app: true })
  })

  async function upgrade(gateway: { port: number }, headers: Record<string, string>) {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/feed`, { headers })
    socket.on('error', () => undefined)
    const opened = once(socket, 'open').then(() => 101)
    const refused = once(socket, 'unexpected-response').then(
      ([, res]) => (res as { statusCode: number }).statusCode,
    )
    return { status: await Promise.race([opened, refused]), socket }
  }

  test('opens a WebSocket with a valid token only, and closes it when the rules change', async () => {
    const gateway = await start()
    expect((await upgrade(gateway, authorization(await staff({ aud: 'x' })))).status).toBe(401)
    expect((await upgrade(gateway, authorization(await staff({ groups: [] })))).status).toBe(401)
    expect((await upgrade(gateway, {})).status).toBe(401)
    expect(received).toEqual([])
    const { status, socket } = await upgrade(gateway, authorization(await staff()))
    expect(status).toBe(101)
    expect(received[0]?.headers['ngrok-auth-user-id']).toBe('ada')
    const end = once(socket, 'close')
    gateway.reconfigure({
      ...gateway.rules,
      options: {
        ...gateway.rules.options,
        bearer: { issuers: [{ issuer: idp.origin, audience: API, groups: ['admins'] }] },
      },
    })
    await end
  })

  test("opens no WebSocket with a token that is not valid, with unauthenticated: 'pass' either", async () => {
    const gateway = await start({ unauthenticated: 'pass' })
    for (const token of ['garbage', await staff({ aud: 'x' }), await staff({ groups: [] })])
      expect((await upgrade(gateway, authorization(token))).status).toBe(401)
    expect(received).toEqual([])
    const { status, socket } = await upgrade(gateway, {})
    expect(status).toBe(101)
    expect(received[0]?.headers['ngrok-auth-user-id']).toBeUndefined()
    socket.terminate()
  })

  test('closes the WebSocket of a token that expires', async () => {
    const gateway = await start({ clockTolerance: 0 })
    const exp = Math.floor(Date.now() / 1000) + 10
    const { status, socket } = await upgrade(gateway, authorization(await staff({ exp })))
    expect(status).toBe(101)
    await once(socket, 'close')
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000 - 50)
  })
})

describe('auth requests', () => {
  const start = async (mode: true | 'forward', options: Partial<OAuthModuleOptions> = {}) => {
    const server = new AuthServer({
      ...{ mode, trustedProxies: ['loopback'], logger: recordingLogger([]) },
      options: { provider: { web: unused() }, secret, bearer: bearer(), ...options },
    })
    await server.listen({ host: '127.0.0.1', port: 0 })
    return stopping({
      url: (path: string) => `http://localhost:${server.port}${path}`,
      close: () => server.close(),
    })
  }
  const original = { 'X-Original-URI': '/reports', 'X-Original-Method': 'GET' }

  test.each([[true], ['forward']] as const)(
    'mode %s: 202 with the identity for a valid token, otherwise 401 or 403 with the challenge',
    async (mode) => {
      const server = await start(mode)
      const valid = await ask(server, '/', { ...original, ...authorization(await staff()) })
      expect([valid.status, valid.headers.get('ngrok-auth-user-id')]).toEqual([202, 'ada'])
      const invalid = await ask(server, '/', { ...original, ...authorization('garbage') })
      expect([invalid.status, invalid.body['error']]).toEqual([401, 'invalid_token'])
      expect(invalid.headers.get('www-authenticate')).toContain(METADATA)
      const denied = { ...original, ...authorization(await staff({ groups: [] })) }
      expect((await ask(server, '/', denied)).status).toBe(403)
    },
  )

  test('the metadata is served to requests that the proxy passes on, and grants no permission', async () => {
    const server = await start(true)
    const { status, body } = await ask(server, METADATA)
    expect([status, body['authorization_servers']]).toEqual([200, [idp.origin]])
    for (const uri of [METADATA, `${METADATA}/x`, '/.well-known/%6fauth-protected-resource']) {
      const headers = { 'X-Original-URI': uri, 'X-Original-Method': 'GET' }
      expect((await ask(server, '/', headers)).status).toBe(403)
    }
  })

  test.each([[true], ['forward']] as const)(
    'mode %s: a request without a token learns where to sign in, by a cookie or for a token',
    async (mode) => {
      const server = await start(mode)
      const { status, headers } = await ask(server, '/', { ...original, 'Sec-Fetch-Mode': 'cors' })
      expect(status).toBe(401)
      const challenge = headers.get('www-authenticate') ?? ''
      expect(challenge).toMatch(/^Bearer resource_metadata="[^"]+", Cookie realm="oauth-module"$/)
    },
  )
})
