import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fakeDate, realDate } from '../support/clock.js'
import { startGate, stopAll } from '../support/gate.js'
import {
  API,
  call,
  createKey,
  startApi,
  startTokenIssuer,
  type TokenIssuer,
  unused,
} from '../support/token-issuer.js'

let idp: TokenIssuer

beforeEach(async () => {
  idp = await startTokenIssuer()
})
afterEach(async () => {
  await stopAll()
  realDate()
})

describe('the keys of an issuer', () => {
  test('are fetched once for many tokens, and nothing before the first', async () => {
    const gate = await startApi(idp)
    expect(idp.requests).toEqual([])
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, index) => idp.token({ sub: `user-${index}` })),
    )
    const answers = await Promise.all(tokens.map((token) => call(gate, token)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(idp.requests).toEqual(['/.well-known/openid-configuration', '/jwks'])
  })

  test('are rotated: a token of a new key is accepted at once', async () => {
    const gate = await startApi(idp)
    const old = await idp.token()
    expect((await call(gate, old)).status).toBe(200)
    idp.keys = [await createKey()]
    expect((await call(gate, await idp.token())).status).toBe(200)
    expect(idp.count('/jwks')).toBe(2)
  })

  test('a withdrawn key counts for no longer than a minute once the keys were fetched again', async () => {
    const clock = fakeDate()
    const gate = await startApi(idp)
    const old = await idp.token()
    expect((await call(gate, old)).status).toBe(200)
    idp.keys = [await createKey()]
    expect((await call(gate, await idp.token())).status).toBe(200)
    clock.forward(61)
    expect((await call(gate, old)).status).toBe(401)
  })

  test('are not fetched again and again for unknown ids', async () => {
    const clock = fakeDate()
    const gate = await startApi(idp)
    expect((await call(gate, await idp.token())).status).toBe(200)
    const key = await createKey()
    const made = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        idp.token({ n: index }, { key, header: { kid: `made-up-${index}` } }),
      ),
    )
    for (const token of made) expect((await call(gate, token)).status).toBe(401)
    expect(idp.count('/jwks')).toBe(2)
    clock.forward(61)
    expect((await call(gate, await idp.token({}, { key }))).status).toBe(401)
    expect(idp.count('/jwks')).toBe(3)
    expect((await call(gate, await idp.token())).status).toBe(200)
  })

  test('while they cannot be fetched, nothing passes, and few requests are sent', async () => {
    const clock = fakeDate()
    idp.faults.set(
      '/jwks',
      (_req: IncomingMessage, res: ServerResponse) => void res.writeHead(503).end(),
    )
    const gate = await startApi(idp)
    const token = await idp.token()
    for (let count = 0; count < 20; count++) {
      const { status, body } = await call(gate, token)
      expect([status, body['error']]).toEqual([502, 'provider_error'])
    }
    expect(idp.count('/jwks')).toBe(1)
    idp.faults.clear()
    clock.forward(3)
    expect((await call(gate, token)).status).toBe(200)
  })

  test('serve while the issuer is down', async () => {
    const gate = await startApi(idp)
    expect((await call(gate, await idp.token())).status).toBe(200)
    for (const path of ['/jwks', '/openid-configuration'])
      idp.faults.set(path, (_req: IncomingMessage, res: ServerResponse) => void res.destroy())
    expect((await call(gate, await idp.token({ sub: 'ida' }))).status).toBe(200)
  })

  test('may be named instead of discovered', async () => {
    const gate = await startApi(idp, { entry: { endpoints: { jwks: `${idp.origin}/jwks` } } })
    expect((await call(gate, await idp.token())).status).toBe(200)
    expect(idp.requests).toEqual(['/jwks'])
  })

  test('are discovered by RFC 8414 at a server without OpenID Connect', async () => {
    const issuer = idp.issuer('/as')
    const isOther = (req: IncomingMessage) =>
      req.url !== '/.well-known/oauth-authorization-server/as'
    idp.faults.set('/openid-configuration', (_req, res) => void res.writeHead(404).end('{}'))
    idp.faults.set('/as', (req, res) => {
      if (isOther(req)) return void res.writeHead(404).end('{}')
      res.end(JSON.stringify({ issuer, jwks_uri: `${idp.origin}/jwks` }))
    })
    const gate = await startApi(idp, { entry: { issuer } })
    expect((await call(gate, await idp.token({ iss: issuer }))).status).toBe(200)
  })

  test('of metadata of another issuer are not used', async () => {
    idp.metadata = { issuer: 'https://evil.example' }
    const gate = await startApi(idp)
    const { status, body } = await call(gate, await idp.token())
    expect([status, body['error']]).toEqual([502, 'misconfigured'])
    expect(idp.count('/jwks')).toBe(0)
  })
})

describe('a known token', () => {
  test('is not verified again within a minute, and never outlives its expiry', async () => {
    const clock = fakeDate()
    const gate = await startApi(idp)
    const token = await idp.token({ exp: Math.floor(Date.now() / 1000) + 20 })
    expect((await call(gate, token)).status).toBe(200)
    idp.keys = [await createKey()]
    clock.forward(49)
    expect((await call(gate, token)).status).toBe(200)
    clock.forward(2)
    expect((await call(gate, token)).status).toBe(401)
  })

  test('what the app changes in its user does not reach the next request', async () => {
    const gate = await startGate(
      {
        provider: { web: unused() },
        bearer: { issuers: [{ issuer: idp.origin, audience: API }] },
      },
      {
        routes: (app) =>
          app.use((req, _res, next) => {
            const { user } = req.oauth
            if (user === undefined) return next()
            const claims = user.claims as Record<string, unknown>
            ;(user as { name?: string }).name = String(claims['visits'] ?? 'first')
            claims['visits'] = 'changed'
            Object.assign(user, { id: 'changed' })
            next()
          }),
      },
    )
    const token = await idp.token()
    const names = []
    for (let count = 0; count < 2; count++) names.push((await call(gate, token)).body['user'])
    expect(names).toEqual([
      expect.objectContaining({ name: 'first' }),
      expect.objectContaining({ name: 'first', key: `${idp.origin}:ada` }),
    ])
  })
})
