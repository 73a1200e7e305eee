import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import { cookieStore, type DenialEvent, memoryStore, oidcProvider } from '../../src/index.js'
import { startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { oidcOf } from '../support/gate.js'
import { startVendor } from '../support/providers.js'
import {
  API,
  call,
  startApi,
  startTokenIssuer,
  type TokenIssuer,
  userOf,
} from '../support/token-issuer.js'

let idp: TokenIssuer

beforeEach(async () => {
  idp = await startTokenIssuer()
})
afterEach(stopAll)

const ada = { email: 'ada@corp.example', email_verified: true, name: 'Ada', groups: ['staff'] }

/** The status and the error code of requests with these claims. */
async function outcomes(
  gate: Awaited<ReturnType<typeof startApi>>,
  ...claims: Record<string, unknown>[]
): Promise<unknown[]> {
  const found = []
  for (const more of claims) {
    const { status, body } = await call(gate, await idp.token(more))
    found.push(status === 200 ? 200 : body['error'])
  }
  return found
}

describe('the lists of an entry', () => {
  test('apply to tokens as they do to logins', async () => {
    const gate = await startApi(idp, {
      entry: { emailDomains: ['corp.example'], groups: ['admins'] },
    })
    expect(
      await outcomes(
        gate,
        ada,
        { ...ada, email: 'ADA@CORP.EXAMPLE' },
        { ...ada, email: 'ada@sub.corp.example' },
        { groups: ['admins', 'staff'] },
        { groups: 'admins' },
        { groups: 'staff' },
        {},
      ),
    ).toEqual([200, 200, 'not_authorized', 200, 200, 'not_authorized', 'not_authorized'])
  })

  test('accept an address only with email_verified, or with trustEmail', async () => {
    const strict = await startApi(idp, { entry: { emailAddresses: ['ada@corp.example'] } })
    const unverified = { ...ada, email_verified: undefined }
    expect(await outcomes(strict, ada, unverified, { ...ada, email_verified: 1 })).toEqual([
      200,
      'email_unverified',
      'email_unverified',
    ])
    const trusting = await startApi(idp, {
      entry: { emailAddresses: ['ada@corp.example'], trustEmail: true },
    })
    expect(await outcomes(trusting, unverified)).toEqual([200])
    const { body } = await call(trusting, await idp.token(unverified))
    const headers = body['headers'] as Record<string, string>
    expect(headers['ngrok-auth-user-email']).toBe('ada@corp.example')
  })

  test.each([
    ['an unverified address does not reach the upstream headers', undefined],
    ['a verified one does', true],
  ])('%s', async (_, isVerified) => {
    const gate = await startApi(idp)
    const { body } = await call(gate, await idp.token({ ...ada, email_verified: isVerified }))
    expect(body['headers']).toEqual(
      expect.objectContaining({ 'ngrok-auth-user-id': 'ada', 'ngrok-auth-user-name': 'Ada' }),
    )
    const { 'ngrok-auth-user-email': email } = body['headers'] as Record<string, string>
    expect(email).toBe(isVerified && 'ada@corp.example')
  })

  test('every set of allOf must be met', async () => {
    const gate = await startApi(idp, {
      entry: { allOf: [{ groups: ['staff'] }, { emailDomains: ['corp.example'] }] },
    })
    expect(
      await outcomes(gate, ada, { ...ada, groups: [] }, { ...ada, email: 'ada@other.example' }),
    ).toEqual([200, 'not_authorized', 'not_authorized'])
  })
})

describe('a machine', () => {
  const machines: [string, Record<string, unknown>][] = [
    ['whose sub is its client ID', { sub: 'robot', client_id: 'robot' }],
    [
      'of Auth0',
      { sub: 'robot@clients', azp: 'robot', client_id: undefined, gty: 'client-credentials' },
    ],
    [
      'of Entra',
      { sub: 'o-1', oid: 'o-1', appid: 'robot', client_id: undefined, scope: undefined },
    ],
    ['of Entra with idtyp', { sub: 'o-1', idtyp: 'app', azp: 'robot', azpacr: '1' }],
    ['of Keycloak', { sub: 'uuid', azp: 'robot', preferred_username: 'service-account-robot' }],
    ['of Okta', { sub: 'robot', cid: 'robot', client_id: undefined, scope: undefined }],
  ]

  test.each(machines)('%s is the user where no list excludes it', async (_, claims) => {
    const gate = await startApi(idp)
    const user = userOf(await call(gate, await idp.token(claims)))
    expect(user['key']).toBe(`${idp.origin}:${String(claims['sub'])}`)
    expect(user['username']).toMatch(/robot|cli/)
  })

  test.each(machines)('%s never matches a list of addresses', async (_, claims) => {
    const gate = await startApi(idp, {
      entry: {
        emailDomains: ['corp.example'],
        emailAddresses: ['ada@corp.example'],
        trustEmail: true,
      },
    })
    expect(await outcomes(gate, { ...claims, ...ada })).toEqual(['not_authorized'])
  })

  test('matches groups', async () => {
    const gate = await startApi(idp, { entry: { groupsClaim: 'roles', groups: ['deploy'] } })
    const claims = { sub: 'robot', client_id: 'robot' }
    expect(
      await outcomes(gate, { ...claims, roles: ['deploy'] }, { ...claims, roles: ['read'] }),
    ).toEqual([200, 'not_authorized'])
  })
})

describe('authorize', () => {
  test('runs at every request, with the user and the request, after the lists', async () => {
    const seen: string[] = []
    let isAllowed = true
    const gate = await startApi(idp, {
      entry: { groups: ['staff'] },
      options: {
        authorize(user, req) {
          seen.push(`${user.id} ${String(user.claims['scope'])} ${req.url}`)
          return isAllowed
        },
      },
    })
    const token = await idp.token(ada)
    expect((await call(gate, token, { path: '/one' })).status).toBe(200)
    isAllowed = false
    expect((await call(gate, token, { path: '/two' })).body['error']).toBe('not_authorized')
    expect(await outcomes(gate, { groups: ['other'] })).toEqual(['not_authorized'])
    expect(seen).toEqual(['ada read write /one', 'ada read write /two'])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('canary')
      },
    ],
    ['rejects', () => Promise.reject(new Error('canary'))],
    ['returns something else than true', () => 'yes' as unknown as boolean],
  ])('lets no request pass if it %s', async (_, authorize) => {
    const gate = await startApi(idp, { options: { authorize } })
    const { status, body } = await call(gate, await idp.token())
    expect(status).toBeGreaterThanOrEqual(403)
    expect(JSON.stringify(body)).not.toContain('canary')
    expect(gate.reached).toEqual([])
  })
})

describe('provider', () => {
  test('users have the same key as after a login, and the lists of the provider apply', async () => {
    const gate = await startGate({
      provider: {
        staff: oidcProvider({
          issuer: idp.origin,
          clientId: 'web',
          clientSecret: 'the secret of the client',
          groups: ['admins'],
          groupsClaim: 'realm.roles',
          claims: { username: 'login', email: 'mail' },
        }),
      },
      bearer: { issuers: [{ issuer: idp.origin, audience: API, provider: 'staff' }] },
    })
    const claims = { realm: { roles: ['admins'] }, login: 'ada', mail: 'ada@corp.example' }
    expect(userOf(await call(gate, await idp.token(claims)))).toMatchObject({
      key: 'staff:ada',
      provider: 'staff',
      username: 'ada',
      email: 'ada@corp.example',
      groups: ['admins'],
    })
    expect(await outcomes(gate, { realm: { roles: ['staff'] } }, {})).toEqual([
      'not_authorized',
      'not_authorized',
    ])
  })

  test('users of two issuers have different keys, even with the same sub and email', async () => {
    const second = await startTokenIssuer()
    const gate = await startGate({
      provider: {
        staff: oidcProvider({
          issuer: idp.origin,
          clientId: 'web',
          clientSecret: 'the client secret',
        }),
      },
      bearer: {
        issuers: [
          { issuer: idp.origin, audience: API, provider: 'staff' },
          { issuer: second.origin, audience: API },
        ],
      },
    })
    const keys = [
      userOf(await call(gate, await idp.token(ada)))['key'],
      userOf(await call(gate, await second.token(ada)))['key'],
    ]
    expect(keys).toEqual(['staff:ada', `${second.origin}:ada`])
  })

  test.each([
    ['one tenant', 'oid-1', '9122040d-6c67-4c5b-b112-36a304b66dad'],
    ['many tenants', '9122040d-6c67-4c5b-b112-36a304b66dad.oid-1', 'organizations'],
  ])('microsoft with %s has the ID of a login', async (_, id, tenant) => {
    const tid = '9122040d-6c67-4c5b-b112-36a304b66dad'
    const issuer = idp.issuer(`/${tid}/v2.0`)
    const gate = await startGate({
      provider: {
        microsoft: { clientId: 'web', clientSecret: 'the client secret', tenant },
      },
      bearer: { issuers: [{ issuer, audience: API, provider: 'microsoft' }] },
    })
    const claims = { iss: issuer, tid, oid: 'oid-1', sub: 'pairwise', email: 'ada@corp.example' }
    const user = userOf(await call(gate, await idp.token(claims)))
    expect(user).toMatchObject({ key: `microsoft:${id}`, emailVerified: false })
    const { body } = await call(gate, await idp.token({ ...claims, oid: undefined }))
    expect(body['error']).toBe('invalid_token')
    const foreign = await idp.token({ ...claims, tid: 'c8a1b2c3-0000-4000-8000-000000000000' })
    const rejected = await call(gate, foreign)
    expect([rejected.status, tenant]).toEqual([tenant === 'organizations' ? 200 : 403, tenant])
  })
})

describe('a blocked user', () => {
  test('is rejected with a token from the next request, and accepted again afterwards', async () => {
    const store = memoryStore()
    const gate = await startApi(idp, { options: { store } })
    const token = await idp.token()
    const key = String(userOf(await call(gate, token))['key'])
    await gate.middleware.users.block(key)
    const blocked = await call(gate, token)
    expect([blocked.status, blocked.body['error']]).toEqual([403, 'not_authorized'])
    expect((await call(gate, await idp.token())).status).toBe(403)
    expect((await call(gate, await idp.token({ sub: 'ida' }))).status).toBe(200)
    // Another process of the same store.
    const second = await startApi(idp, { options: { store } })
    expect((await call(second, token)).status).toBe(403)
    await gate.middleware.users.unblock(key)
    expect((await call(gate, token)).status).toBe(200)
  })

  test('cannot be blocked with cookieStore(), which keeps no records: tokens pass', async () => {
    const gate = await startApi(idp, { options: { store: cookieStore() } })
    expect((await call(gate, await idp.token())).status).toBe(200)
  })

  test('nothing passes while the store cannot tell', async () => {
    const store = memoryStore()
    const get = store.get.bind(store)
    let isDown = false
    const gate = await startApi(idp, {
      options: {
        store: {
          ...store,
          set: store.set.bind(store),
          update: store.update.bind(store),
          delete: store.delete.bind(store),
          get: (key: string) => {
            if (isDown) throw new Error('down')
            return get(key)
          },
        },
      },
    })
    const token = await idp.token()
    expect((await call(gate, token)).status).toBe(200)
    isDown = true
    const { status, body } = await call(gate, token)
    expect([status, body['error']]).toEqual([503, 'store_unavailable'])
  })
})

describe('requireAuth()', () => {
  const serve = (rules: object, entry = {}) =>
    startApi(idp, {
      entry,
      setup: {
        routes: (app, auth) => {
          app.use('/guarded', auth.requireAuth(rules))
          app.use(express.json())
        },
      },
    })

  test('scopes: a token without them gets 403 insufficient_scope, and the scopes it needs', async () => {
    const gate = await serve({ scopes: ['reports:write', 'read'] })
    const token = await idp.token({ scope: 'read profile' })
    expect((await call(gate, token)).status).toBe(200)
    const { status, body, challenge } = await call(gate, token, { path: '/guarded' })
    expect([status, body['error'], body['login_url']]).toEqual([
      403,
      'insufficient_scope',
      undefined,
    ])
    expect(challenge).toMatch(
      /^Bearer error="insufficient_scope", error_description="[^"]+", scope="read profile reports:write", resource_metadata="/,
    )
    const enough = await idp.token({ scope: undefined, scp: ['read', 'reports:write'] })
    expect((await call(gate, enough, { path: '/guarded' })).status).toBe(200)
  })

  test('lists and authorize apply to tokens', async () => {
    const gate = await serve({ groups: ['admins'] })
    const reach = async (claims: object) =>
      (await call(gate, await idp.token({ ...claims }), { path: '/guarded' })).status
    expect(await reach({ groups: ['admins'] })).toBe(200)
    expect(await reach({ groups: ['staff'] })).toBe(403)
    const custom = await serve({ authorize: (user: { id: string }) => user.id === 'ida' })
    const custom200 = await call(custom, await idp.token({ sub: 'ida' }), { path: '/guarded' })
    expect(custom200.status).toBe(200)
    expect((await call(custom, await idp.token(), { path: '/guarded' })).status).toBe(403)
  })

  test('maxAge: a token of an older login gets the challenge of RFC 9470', async () => {
    const gate = await serve({ maxAge: 300, acceptSilentLogin: true })
    const now = Math.floor(Date.now() / 1000)
    const reach = async (claims: object) =>
      call(gate, await idp.token({ ...claims }), { path: '/guarded' })
    expect((await reach({ auth_time: now - 60 })).status).toBe(200)
    expect((await reach({})).status).toBe(200)
    const { status, challenge } = await reach({ auth_time: now - 1000 })
    expect(status).toBe(401)
    expect(challenge).toContain('error="insufficient_user_authentication"')
    expect(challenge).toContain('max_age="300"')
  })
})

describe('the cookie of a signed-in user', () => {
  test('never counts in a request with a token, valid or not', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate({
      provider: { staff: oidcOf(vendor) },
      bearer: { issuers: [{ issuer: idp.origin, audience: API }] },
    })
    const browser = createBrowser()
    expect((await browser.get(gate.url('/'))).status).toBe(200)
    const reach = async (token: string, path = '/') => {
      const page = await browser.get(gate.url(path), {
        headers: { Authorization: `Bearer ${token}` },
        follow: false,
      })
      return { status: page.status, body: JSON.parse(page.body) as Record<string, unknown> }
    }
    const token = await idp.token()
    expect((await reach(token)).body['user']).toMatchObject({ key: `${idp.origin}:ada` })
    expect(await reach('garbage')).toMatchObject({ status: 401, body: { error: 'invalid_token' } })
    expect(await reach('garbage', '/auth/session')).toMatchObject({ status: 401 })
    expect((await reach(token, '/auth/session')).body).toMatchObject({
      user: { key: `${idp.origin}:ada` },
      reason: null,
    })
    // Without a token, it does.
    expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(200)
  })

  test("an invalid token is rejected with unauthenticated: 'pass' as well", async () => {
    const gate = await startApi(idp, { options: { unauthenticated: 'pass' } })
    expect((await call(gate, 'garbage')).status).toBe(401)
    expect((await call(gate, undefined)).body['user']).toBeNull()
    const denied = await startApi(idp, {
      entry: { groups: ['admins'] },
      options: { unauthenticated: 'pass' },
    })
    expect((await call(denied, await idp.token())).status).toBe(403)
  })
})

describe('events', () => {
  test('a token causes no login event, and a denial causes one denied event without the token', async () => {
    const gate = await startApi(idp, { entry: { groups: ['staff'] } })
    const events: string[] = []
    const denials: DenialEvent[] = []
    gate.middleware.on('login', () => events.push('login'))
    gate.middleware.on('login_failed', () => events.push('login_failed'))
    gate.middleware.on('denied', (event) => denials.push(event))
    const completed: unknown[] = []
    gate.middleware.on('http_request_complete', ({ oauth, reason }) =>
      completed.push([oauth.decision, oauth.user.id, reason]),
    )
    const refused = await idp.token({ groups: ['other'] })
    await call(gate, await idp.token({ groups: ['staff'] }))
    await call(gate, refused)
    await call(gate, 'garbage')
    expect(events).toEqual([])
    expect(denials).toHaveLength(1)
    expect(denials[0]).toMatchObject({ code: 'not_authorized', tried: ['groups'] })
    expect(JSON.stringify(denials)).not.toContain(refused)
    expect(completed).toEqual([
      ['allow', 'ada', undefined],
      ['block', 'ada', 'not_authorized'],
      ['block', undefined, 'invalid_token'],
    ])
  })

  test('reportOnly reports the users of tokens as well', async () => {
    const gate = await startApi(idp, {
      options: { reportOnly: { emailDomains: ['corp.example'] } },
    })
    const denials: DenialEvent[] = []
    gate.middleware.on('denied', (event) => denials.push(event))
    expect((await call(gate, await idp.token())).status).toBe(200)
    expect(denials).toMatchObject([{ isReportOnly: true, user: { id: 'ada' } }])
  })
})
