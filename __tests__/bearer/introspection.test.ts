import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { ServerResponse } from 'node:http'
import { fakeDate, realDate } from '../support/clock.js'
import { startGate, stopAll } from '../support/gate.js'
import { startOidcProvider } from '../support/oidc.js'
import {
  API,
  type ApiAnswer,
  call,
  startApi,
  startTokenIssuer,
  type TokenIssuer,
  unused,
  userOf,
} from '../support/token-issuer.js'

let idp: TokenIssuer

beforeEach(async () => {
  idp = await startTokenIssuer()
})
afterEach(async () => {
  await stopAll()
  realDate()
})

const client = { clientId: 'api', clientSecret: 'the secret: of 100 % of the API' }
const serve = (introspection: object = client, entry: object = {}) =>
  startApi(idp, { entry: { introspection, ...entry } })

const active = () => ({
  ...{ sub: 'ada', aud: API, scope: 'read', client_id: 'cli', token_type: 'Bearer' },
  exp: Math.floor(Date.now() / 1000) + 600,
  iss: idp.origin,
})

describe('an opaque token', () => {
  test('is checked at the introspection endpoint that the metadata lists', async () => {
    const gate = await serve()
    idp.opaque.set('opaque-1', active())
    const answer = await call(gate, 'opaque-1')
    expect(userOf(answer)).toMatchObject({ key: `${idp.origin}:ada` })
    expect(answer.body['oauth']).toMatchObject({ kind: 'token', scopes: ['read'] })
    const [{ form, headers } = { form: new URLSearchParams(), headers: {} }] = idp.introspections
    expect(Object.fromEntries(form)).toEqual({
      token: 'opaque-1',
      token_type_hint: 'access_token',
      client_id: client.clientId,
      client_secret: client.clientSecret,
    })
    expect(headers.authorization).toBeUndefined()
  })

  test('client authentication follows the metadata, and clientAuth', async () => {
    idp.metadata = { introspection_endpoint_auth_methods_supported: ['client_secret_basic'] }
    idp.opaque.set('opaque-1', active())
    for (const options of [
      client,
      { ...client, clientAuth: 'basic', endpoint: `${idp.origin}/introspect` },
    ])
      await call(await serve(options), 'opaque-1')
    const basic = `Basic ${Buffer.from('api:the+secret%3A+of+100+%25+of+the+API').toString('base64')}`
    expect(idp.introspections.map(({ headers }) => headers.authorization)).toEqual([basic, basic])
    expect(idp.introspections.every(({ form }) => !form.has('client_secret'))).toBe(true)
  })

  test('is not accepted without the option, and not sent anywhere', async () => {
    const gate = await startApi(idp)
    idp.opaque.set('opaque-1', active())
    expect((await call(gate, 'opaque-1')).body['error']).toBe('invalid_token')
    expect(idp.requests).toEqual([])
  })

  test.each([
    ['inactive', undefined],
    ['active: "true"', { active: 'true' }],
    ['active: 1', { active: 1 }],
    ['another audience', { aud: 'https://other.example' }],
    ['no audience, and another client', { aud: undefined, client_id: 'other' }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['expired', { exp: 1_700_000_000 }],
    ['not yet valid', { nbf: 9_999_999_999 }],
    ['no sub', { sub: undefined }],
    ['a refresh token', { token_use: 'refresh_token' }],
    ['a refresh token of Keycloak', { typ: 'Refresh' }],
    ['another type', { token_type: 'N_A' }],
    ['bound to a key', { cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }],
    ['of the type DPoP', { token_type: 'DPoP' }],
  ])('is rejected: %s', async (_, change) => {
    const gate = await serve()
    if (change !== undefined) idp.opaque.set('opaque-1', { ...active(), ...change })
    const { status, body } = await call(gate, 'opaque-1')
    expect([status, body['error']]).toEqual([401, 'invalid_token'])
    expect(gate.reached).toEqual([])
  })

  test('without an audience counts for the client that it was issued to', async () => {
    const gate = await serve(client, { audience: ['cli'] })
    idp.opaque.set('opaque-1', { ...active(), aud: undefined })
    expect((await call(gate, 'opaque-1')).status).toBe(200)
    // Refresh tokens have no token_type.
    idp.opaque.set('opaque-2', { ...active(), aud: undefined, token_type: undefined })
    expect((await call(gate, 'opaque-2')).status).toBe(401)
  })

  test('is asked for once a minute, so that a revocation takes effect within 60 s', async () => {
    const clock = fakeDate()
    const gate = await serve()
    idp.opaque.set('opaque-1', active())
    for (let count = 0; count < 5; count++) expect((await call(gate, 'opaque-1')).status).toBe(200)
    expect(idp.introspections).toHaveLength(1)
    idp.opaque.delete('opaque-1')
    clock.forward(59)
    expect((await call(gate, 'opaque-1')).status).toBe(200)
    clock.forward(1)
    expect((await call(gate, 'opaque-1')).status).toBe(401)
    expect(idp.introspections).toHaveLength(2)
  })

  test('is not accepted beyond its expiry', async () => {
    const clock = fakeDate()
    const gate = await serve()
    idp.opaque.set('opaque-1', { ...active(), exp: Math.floor(Date.now() / 1000) + 5 })
    expect((await call(gate, 'opaque-1')).status).toBe(200)
    clock.forward(36)
    expect((await call(gate, 'opaque-1')).status).toBe(401)
  })

  test('of 30 requests at once is asked for once', async () => {
    const gate = await serve()
    idp.opaque.set('opaque-1', active())
    const answers = await Promise.all(Array.from({ length: 30 }, () => call(gate, 'opaque-1')))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(idp.introspections).toHaveLength(1)
  })

  test('that is not valid, and is sent again and again, is asked for once in ten seconds', async () => {
    const clock = fakeDate()
    const gate = await serve()
    for (let count = 0; count < 20; count++) expect((await call(gate, 'opaque-1')).status).toBe(401)
    expect(idp.introspections).toHaveLength(1)
    clock.forward(11)
    await call(gate, 'opaque-1')
    expect(idp.introspections).toHaveLength(2)
  })

  test('a JWT of another issuer is never sent to the introspection endpoint', async () => {
    const gate = await serve()
    const other = await startTokenIssuer()
    expect((await call(gate, await other.token())).status).toBe(401)
    expect(idp.introspections).toEqual([])
  })
})

describe('the issuer', () => {
  const fail =
    (status: number, headers = {}) =>
    (_: unknown, res: ServerResponse) =>
      void res.writeHead(status, headers).end('{}')

  test.each([
    ['is down', fail(503), 502, 'provider_error'],
    ['limits requests', fail(429), 503, 'provider_busy'],
    ['rejects our client', fail(401), 502, 'misconfigured'],
    ['redirects', fail(302, { Location: 'https://evil.example' }), 502, 'provider_error'],
    [
      'sends a page',
      (_: unknown, res: ServerResponse) => void res.end('<html>'),
      502,
      'provider_error',
    ],
  ])('%s: nothing passes, and a client can try again', async (_, fault, status, code) => {
    const gate = await serve()
    idp.opaque.set('opaque-1', active())
    idp.faults.set('/introspect', fault)
    const answer = await call(gate, 'opaque-1')
    expect([answer.status, answer.body['error']]).toEqual([status, code])
    idp.faults.clear()
    expect((await call(gate, 'opaque-1')).status).toBe(200)
  })

  test('too many made-up tokens: 429 with Retry-After, and known tokens still pass', async () => {
    const gate = await serve()
    idp.opaque.set('known', active())
    expect((await call(gate, 'known')).status).toBe(200)
    const waiting: ServerResponse[] = []
    idp.faults.set('/introspect', (_req, res) => waiting.push(res))
    const early: ApiAnswer[] = []
    let release = (): void => undefined
    const isFull = new Promise<void>((resolve) => (release = resolve))
    const made = Array.from({ length: 150 }, async (_, index) => {
      const answer = await call(gate, `made-up-${index}`)
      if (early.push(answer) === 40) release()
      return answer
    })
    await isFull
    for (const { status, body, headers } of early) {
      expect([status, body['error']]).toEqual([429, 'too_many_requests'])
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
    // No more than ten at a time reach the issuer.
    expect(waiting.length).toBeLessThanOrEqual(10)
    expect((await call(gate, 'known')).status).toBe(200)
    idp.faults.clear()
    for (const res of waiting) res.writeHead(200).end('{"active":false}')
    const statuses = (await Promise.all(made)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 429)).toHaveLength(40)
    expect(statuses.filter((status) => status === 401)).toHaveLength(110)
    idp.opaque.set('new', active())
    expect((await call(gate, 'new')).status).toBe(200)
  })

  test('one address cannot cause more than 60 requests a minute with made-up tokens', async () => {
    const clock = fakeDate()
    const gate = await startApi(idp, {
      entry: { introspection: client },
      setup: { before: (app) => app.set('trust proxy', true) },
    })
    const from = (address: string, token: string) =>
      call(gate, token, { headers: { 'X-Forwarded-For': address } })
    for (let count = 0; count < 60; count++)
      expect((await from('203.0.113.7', `made-up-${count}`)).status).toBe(401)
    const answer = await from('203.0.113.7', 'made-up-60')
    expect([answer.status, answer.body['error']]).toEqual([429, 'too_many_requests'])
    expect(idp.introspections).toHaveLength(60)
    idp.opaque.set('good', active())
    expect((await from('203.0.113.8', 'good')).status).toBe(200)
    // The result is known now.
    expect((await from('203.0.113.7', 'good')).status).toBe(200)
    clock.forward(61)
    expect((await from('203.0.113.7', 'made-up-61')).status).toBe(401)
  })
})

test('opaque tokens of oidc-provider are accepted, and rejected after their revocation', async () => {
  const secret = 'the secret of the API at the provider'
  const server = await startOidcProvider({
    clients: [
      {
        client_id: 'robot',
        client_secret: secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    clientCredentials: true,
  })
  try {
    const gate = await startGate({
      provider: { web: unused() },
      bearer: {
        issuers: [
          {
            issuer: server.issuer,
            audience: 'robot',
            idClaim: 'client_id',
            introspection: { clientId: 'robot', clientSecret: secret },
          },
        ],
      },
    })
    const post = async (path: string, form: Record<string, string>) => {
      const body = new URLSearchParams(form)
      const headers = {
        Authorization: `Basic ${Buffer.from(`robot:${encodeURIComponent(secret)}`).toString('base64')}`,
      }
      return fetch(server.issuer + path, { method: 'POST', body, headers })
    }
    const response = await post('/token', { grant_type: 'client_credentials' })
    const { access_token: token } = (await response.json()) as { access_token: string }
    expect(token).not.toContain('.')
    const answer = await call(gate, token)
    expect(userOf(answer)).toMatchObject({ key: `${server.issuer}:robot`, username: 'robot' })
    expect((await post('/token/revocation', { token })).status).toBe(200)
    const clock = fakeDate(Date.now())
    clock.forward(61)
    expect((await call(gate, token)).status).toBe(401)
  } finally {
    await server.close()
  }
}, 60_000)
