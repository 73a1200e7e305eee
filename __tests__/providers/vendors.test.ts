import { afterEach, describe, expect, test } from '@jest/globals'
import { createHash, createHmac } from 'node:crypto'
import { request } from 'node:http'
import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose'
import {
  startVendor,
  vendorNames,
  type VendorName,
  type VendorOptions,
  type VendorServer,
} from '../../src/dev/vendors/index.js'

const redirectUri = 'http://localhost:4000/auth/callback'
const verifier = 'a-verifier-that-is-long-enough-for-rfc-7636-to-like-it'
const challenge = createHash('sha256').update(verifier).digest('base64url')
const s256 = { code_challenge: challenge, code_challenge_method: 'S256' }

const paths: Record<
  VendorName,
  { authorize: string; token: string; userinfo: string; scope: string }
> = {
  github: {
    authorize: '/login/oauth/authorize',
    token: '/login/oauth/access_token',
    userinfo: '/user',
    scope: 'read:user user:email read:org',
  },
  google: {
    authorize: '/o/oauth2/v2/auth',
    token: '/token',
    userinfo: '/v1/userinfo',
    scope: 'openid email profile',
  },
  microsoft: {
    authorize: '/common/oauth2/v2.0/authorize',
    token: '/common/oauth2/v2.0/token',
    userinfo: '/oidc/userinfo',
    scope: 'openid profile email offline_access',
  },
  gitlab: {
    authorize: '/oauth/authorize',
    token: '/oauth/token',
    userinfo: '/oauth/userinfo',
    scope: 'openid profile email',
  },
  facebook: {
    authorize: '/v25.0/dialog/oauth',
    token: '/v25.0/oauth/access_token',
    userinfo: '/v25.0/me?fields=id,name,email,picture',
    scope: 'public_profile,email',
  },
  linkedin: {
    authorize: '/oauth/v2/authorization',
    token: '/oauth/v2/accessToken',
    userinfo: '/v2/userinfo',
    scope: 'openid profile email',
  },
  twitch: {
    authorize: '/oauth2/authorize',
    token: '/oauth2/token',
    userinfo: '/oauth2/userinfo',
    scope: 'openid user:read:email',
  },
  amazon: {
    authorize: '/ap/oa',
    token: '/auth/o2/token',
    userinfo: '/user/profile',
    scope: 'profile',
  },
  oidc: {
    authorize: '/authorize',
    token: '/token',
    userinfo: '/userinfo',
    scope: 'openid profile email offline_access',
  },
  oauth2: { authorize: '/authorize', token: '/token', userinfo: '/me', scope: 'profile' },
}

const started: VendorServer[] = []
afterEach(async () => {
  for (const vendor of started.splice(0)) await vendor.close()
})

async function start(name: VendorName, options?: VendorOptions) {
  const vendor = await startVendor(name, options)
  started.push(vendor)
  return vendor
}

type Fields = Record<string, string | undefined>
const encode = (fields: Fields) => {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined) params.set(name, value)
  return params
}

function authorizeUrl(vendor: VendorServer, extra: Fields = {}) {
  const { authorize, scope } = paths[vendor.vendor]
  const url = new URL(vendor.origin + vendor.settings.basePath + authorize)
  url.search = encode({
    client_id: vendor.clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    state: 's1',
    ...extra,
  }).toString()
  return url
}

async function callback(vendor: VendorServer, extra: Fields = {}) {
  const response = await fetch(authorizeUrl(vendor, extra), { redirect: 'manual' })
  expect(response.status).toBe(302)
  return new URL(response.headers.get('location') ?? '')
}

function post(vendor: VendorServer, fields: Fields, headers: Record<string, string> = {}) {
  const secret = headers['authorization']
    ? {}
    : { client_id: vendor.clientId, client_secret: vendor.clientSecret }
  const url = vendor.origin + vendor.settings.basePath + paths[vendor.vendor].token
  return fetch(url, {
    method: 'POST',
    headers: { accept: 'application/json', ...headers },
    body: encode({ ...secret, ...fields }),
  })
}

async function code(vendor: VendorServer, extra: Fields = {}) {
  return (await callback(vendor, extra)).searchParams.get('code') ?? ''
}

async function redeem(
  vendor: VendorServer,
  extra: Fields = {},
  fields: Fields = {},
  headers?: Record<string, string>,
) {
  return post(
    vendor,
    {
      grant_type: 'authorization_code',
      code: await code(vendor, extra),
      redirect_uri: redirectUri,
      ...fields,
    },
    headers,
  )
}

interface Tokens {
  access_token: string
  refresh_token?: string
  id_token?: string
  expires_in?: number
  scope?: unknown
  error?: unknown
}

async function login(vendor: VendorServer, extra: Fields = {}, fields: Fields = {}) {
  const response = await redeem(vendor, extra, fields)
  const tokens = (await response.json()) as Tokens
  expect(response.status).toBe(200)
  expect(tokens.error).toBeUndefined()
  return tokens
}

const refresh = (vendor: VendorServer, token: string | undefined, fields: Fields = {}) =>
  post(vendor, { grant_type: 'refresh_token', refresh_token: token, ...fields })

async function read(
  vendor: VendorServer,
  tokens: Tokens,
  path = vendor.settings.basePath + paths[vendor.vendor].userinfo,
  headers = {},
) {
  const response = await fetch(vendor.origin + path, {
    headers: { authorization: `Bearer ${tokens.access_token}`, ...headers },
  })
  const text = await response.text()
  const body =
    text.startsWith('{') || text.startsWith('[')
      ? (JSON.parse(text) as Record<string, unknown>)
      : text
  return { status: response.status, headers: response.headers, body }
}

// A space becomes a plus (RFC 6749, appendix B).
const formEncoded = (text: string) => encode({ text }).toString().slice('text='.length)
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`,
})

const hasPkce = (name: VendorName) => name !== 'linkedin' && name !== 'twitch'

describe('every vendor', () => {
  test.each(vendorNames)('%s logs its user in', async (name) => {
    const vendor = await start(name)
    const url = await callback(vendor, hasPkce(name) ? s256 : {})
    expect(url.searchParams.get('state')).toBe('s1')
    const fields = {
      grant_type: 'authorization_code',
      code: url.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
    }
    const response = await post(
      vendor,
      hasPkce(name) ? { ...fields, code_verifier: verifier } : fields,
    )
    const tokens = (await response.json()) as Tokens
    expect(tokens.error).toBeUndefined()
    const { status, body } = await read(vendor, tokens)
    expect(status).toBe(200)
    // Microsoft's is pairwise, for the app only.
    const id = name === 'microsoft' ? decodeJwt(tokens.id_token ?? '').sub : String(vendor.user.id)
    expect(Object.values(body).map(String)).toContain(id)
    expect(vendor.requests.map(({ endpoint }) => endpoint)).toEqual([
      'authorize',
      'token',
      name === 'github' ? 'user' : 'userinfo',
    ])
    expect(vendor.requests[1]?.form).toMatchObject({ client_id: vendor.clientId })
  })

  test.each(vendorNames)(
    '%s accepts a code only once, and only with the same redirect URI',
    async (name) => {
      const vendor = await start(name)
      const used = {
        grant_type: 'authorization_code',
        code: await code(vendor),
        redirect_uri: redirectUri,
      }
      expect(await (await post(vendor, used)).json()).toHaveProperty('access_token')
      const elsewhere = await redeem(
        vendor,
        {},
        { redirect_uri: 'http://localhost:4000/elsewhere' },
      )
      for (const response of [await post(vendor, used), elsewhere]) {
        expect(response.status === 200 && name !== 'github').toBe(false)
        expect(await response.json()).not.toHaveProperty('access_token')
      }
    },
  )

  test.each(vendorNames)(
    '%s rejects a wrong secret, an unknown client and a relative redirect URI',
    async (name) => {
      const vendor = await start(name)
      expect(
        await (await redeem(vendor, {}, { client_secret: 'wrong' })).json(),
      ).not.toHaveProperty('access_token')
      expect(
        (await fetch(authorizeUrl(vendor, { client_id: 'nobody' }), { redirect: 'manual' })).status,
      ).toBe(400)
      expect(
        (await fetch(authorizeUrl(vendor, { redirect_uri: '/cb' }), { redirect: 'manual' })).status,
      ).toBe(400)
    },
  )

  test.each(vendorNames.filter(hasPkce))(
    '%s rejects a wrong or missing code verifier',
    async (name) => {
      const vendor = await start(name)
      for (const code_verifier of ['x'.repeat(43), undefined]) {
        const response = await redeem(vendor, s256, { code_verifier })
        expect(await response.json()).not.toHaveProperty('access_token')
      }
    },
  )

  test.each(vendorNames)('%s rejects revoked tokens', async (name) => {
    const vendor = await start(name)
    const tokens = await login(vendor)
    vendor.revokeTokens(vendor.user)
    const expected = name === 'amazon' || name === 'facebook' ? 400 : 401
    expect((await read(vendor, tokens)).status).toBe(expected)
  })

  test.each(vendorNames)('%s reports throttling without invalidating the token', async (name) => {
    const vendor = await start(name)
    const tokens = await login(vendor)
    vendor.settings.throttled = true
    const expected = name === 'github' ? 403 : name === 'facebook' ? 400 : 429
    expect((await read(vendor, tokens)).status).toBe(expected)
  })
})

describe('github', () => {
  test('responds to the token request form-encoded, unless JSON is accepted', async () => {
    const vendor = await start('github')
    const response = await redeem(vendor, {}, {}, { accept: '*/*' })
    expect(response.headers.get('content-type')).toContain('application/x-www-form-urlencoded')
    const body = new URLSearchParams(await response.text())
    expect(body.get('scope')).toBe('read:org,read:user,user:email')
    expect(body.get('token_type')).toBe('bearer')
    expect(body.has('expires_in') || body.has('refresh_token')).toBe(false)
  })

  test('errors have status 200', async () => {
    const vendor = await start('github')
    const response = await post(vendor, { code: 'wrong' })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ error: 'bad_verification_code' })
    expect(await (await redeem(vendor, {}, { client_secret: 'wrong' })).json()).toMatchObject({
      error: 'incorrect_client_credentials',
    })
    expect(
      await (await redeem(vendor, {}, { redirect_uri: 'http://localhost/x' })).json(),
    ).toMatchObject({
      error: 'redirect_uri_mismatch',
    })
  })

  test('a wide scope replaces the narrow ones', async () => {
    const vendor = await start('github')
    expect((await login(vendor, { scope: 'user read:user user:email' })).scope).toBe('user')
    vendor.settings.grantedScopes = []
    expect((await login(vendor)).scope).toBe('')
  })

  test('rejects API requests without User-Agent', async () => {
    const vendor = await start('github')
    const { access_token: token } = await login(vendor)
    const status = await new Promise((resolve, reject) => {
      // Unlike fetch, http.request sends no User-Agent by itself.
      const headers = { authorization: `Bearer ${token}` }
      request(`${vendor.origin}/user`, { headers }, (res) => resolve(res.resume().statusCode))
        .on('error', reject)
        .end()
    })
    expect(status).toBe(403)
  })

  test('email addresses have their own endpoint and scope', async () => {
    const vendor = await start('github')
    const tokens = await login(vendor)
    expect((await read(vendor, tokens)).body).toMatchObject({ email: null, id: 583231 })
    expect((await read(vendor, tokens, '/user/emails')).body).toContainEqual(
      expect.objectContaining({ primary: true, verified: true }),
    )
    const narrow = await login(vendor, { scope: 'read:user' })
    expect((await read(vendor, narrow, '/user/emails')).status).toBe(404)
    expect((await read(vendor, narrow, '/user/orgs')).body).toEqual([])
    expect((await read(vendor, narrow, '/user/teams')).status).toBe(403)
  })

  test('lists come in pages of 30, at most 100, linked by Link', async () => {
    const vendor = await start('github')
    vendor.user.organizations = Array.from({ length: 130 }, (_, index) => `org-${index}`)
    const tokens = await login(vendor)
    expect((await read(vendor, tokens, '/user/orgs')).body).toHaveLength(30)
    const first = await read(vendor, tokens, '/user/orgs?per_page=500')
    expect(first.body).toHaveLength(100)
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    const second = await read(vendor, tokens, next.slice(vendor.origin.length))
    expect(second.body).toHaveLength(30)
    expect(second.headers.get('link')).not.toContain('rel="next"')
    vendor.settings.endlessPages = true
    vendor.settings.nextPageOrigin = 'http://elsewhere.example'
    const endless = await read(vendor, tokens, '/user/orgs?per_page=100&page=40')
    expect(endless.body).toHaveLength(100)
    expect(endless.headers.get('link')).toContain(
      '<http://elsewhere.example/user/orgs?per_page=100&page=41>; rel="next"',
    )
  })

  test('invitations and inherited memberships appear only where GitHub lists them', async () => {
    const vendor = await start('github')
    vendor.user.organizations = [
      'acme',
      { login: 'guests', state: 'pending' },
      { login: 'secret', hidden: true },
    ]
    vendor.user.teams = [
      'acme/web',
      { organization: 'acme', slug: 'all', inherited: true },
      { organization: 'acme', slug: 'ops', state: 'pending' },
    ]
    const tokens = await login(vendor)
    expect((await read(vendor, tokens, '/user/orgs')).body).toEqual([
      expect.objectContaining({ login: 'acme' }),
    ])
    expect((await read(vendor, tokens, '/user/memberships/orgs')).body).toHaveLength(2)
    expect((await read(vendor, tokens, '/user/memberships/orgs?state=active')).body).toHaveLength(1)
    expect((await read(vendor, tokens, '/user/teams')).body).toEqual([
      expect.objectContaining({ slug: 'web', parent: null }),
    ])
    const membership = (slug: string) =>
      read(vendor, tokens, `/orgs/ACME/teams/${slug}/memberships/octavia`)
    expect((await membership('all')).body).toMatchObject({ state: 'active' })
    expect((await membership('ops')).body).toMatchObject({ state: 'pending' })
    expect((await membership('none')).status).toBe(404)
  })

  test('sends iss, and supports neither prompt=login nor plain challenges', async () => {
    const vendor = await start('github')
    expect((await callback(vendor)).searchParams.get('iss')).toBe('https://github.com/login/oauth')
    expect((await callback(vendor, { prompt: 'login' })).searchParams.get('error')).toBe(
      'invalid_request',
    )
    const plain = { code_challenge: verifier, code_challenge_method: 'plain' }
    expect((await callback(vendor, plain)).searchParams.get('error')).toBe('invalid_request')
  })

  test('an Enterprise Server has its API under /api/v3 and its own issuer', async () => {
    const vendor = await start('github', { settings: { ghes: true } })
    expect(vendor.options['baseUrl']).toBe(vendor.origin)
    expect((await callback(vendor)).searchParams.get('iss')).toBe(`${vendor.origin}/login/oauth`)
    const tokens = await login(vendor)
    expect((await read(vendor, tokens, '/api/v3/user')).status).toBe(200)
    expect((await read(vendor, tokens, '/user')).status).toBe(404)
  })

  test('an old Enterprise Server ignores PKCE', async () => {
    const vendor = await start('github', { settings: { ghes: true, pkce: false } })
    expect(await login(vendor, s256)).toHaveProperty('access_token')
  })

  test('a GitHub App refreshes: both old tokens are revoked, and a revoked one is an error with status 200', async () => {
    const vendor = await start('github', { settings: { githubApp: true } })
    const old = await login(vendor)
    expect(old).toMatchObject({
      expires_in: 28_800,
      scope: '',
      refresh_token_expires_in: 15_897_600,
    })
    const fresh = (await (await refresh(vendor, old.refresh_token)).json()) as Tokens
    expect(fresh.access_token).toMatch(/^ghu_/)
    expect((await read(vendor, old)).status).toBe(401)
    expect((await read(vendor, fresh)).status).toBe(200)
    const again = await refresh(vendor, old.refresh_token)
    expect([again.status, await again.json()]).toEqual([
      200,
      expect.objectContaining({ error: 'bad_refresh_token' }),
    ])
  })

  test('checks and revokes tokens with Basic and JSON', async () => {
    const vendor = await start('github')
    const tokens = await login(vendor)
    const manage = (method: string, headers: Record<string, string>) =>
      fetch(`${vendor.origin}/applications/${vendor.clientId}/token`, {
        method,
        headers,
        body: JSON.stringify({ access_token: tokens.access_token }),
      })
    const credentials = basic(vendor.clientId, vendor.clientSecret)
    expect((await manage('DELETE', {})).status).toBe(401)
    expect((await manage('POST', credentials)).status).toBe(200)
    expect((await manage('DELETE', credentials)).status).toBe(204)
    expect((await manage('POST', credentials)).status).toBe(404)
  })
})

describe('google', () => {
  test('rejects prompt=login with its own page', async () => {
    const vendor = await start('google')
    const response = await fetch(authorizeUrl(vendor, { prompt: 'login' }), { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
    expect(
      (await callback(vendor, { prompt: 'consent select_account' })).searchParams.get('iss'),
    ).toBe(vendor.origin)
  })

  test('returns a refresh token for access_type=offline only at the first consent', async () => {
    const vendor = await start('google')
    const offline = { access_type: 'offline' }
    expect(await login(vendor, offline)).toHaveProperty('refresh_token')
    expect(await login(vendor, offline)).not.toHaveProperty('refresh_token')
    expect(await login(vendor, { prompt: 'consent' })).not.toHaveProperty('refresh_token')
    const tokens = await login(vendor, { ...offline, prompt: 'consent' })
    const fresh = (await (await refresh(vendor, tokens.refresh_token)).json()) as Tokens
    expect(fresh).not.toHaveProperty('refresh_token')
    expect(fresh).toHaveProperty('id_token')
  })

  test('returns long scope names, the hosted domain, and its issuer with or without scheme', async () => {
    const vendor = await start('google')
    const tokens = await login(vendor, { nonce: 'n1' })
    expect(tokens.scope).toBe(
      'openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile',
    )
    expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({
      iss: vendor.origin,
      hd: 'acme.example',
      nonce: 'n1',
      email_verified: true,
    })
    vendor.settings.schemelessIssuer = true
    expect(decodeJwt((await login(vendor)).id_token ?? '').iss).toBe(new URL(vendor.origin).host)
  })
})

describe('microsoft', () => {
  const document = async (vendor: VendorServer, tenant: string) => {
    const response = await fetch(`${vendor.origin}/${tenant}/v2.0/.well-known/openid-configuration`)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  test('its discovery document has a template as issuer, and no PKCE', async () => {
    const vendor = await start('microsoft')
    const { body } = await document(vendor, 'common')
    expect(body['issuer']).toBe(`${vendor.origin}/{tenantid}/v2.0`)
    expect(body).not.toHaveProperty('code_challenge_methods_supported')
    expect((await document(vendor, 'consumers')).body['issuer']).toBe(
      `${vendor.origin}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0`,
    )
    expect((await document(vendor, 'acme.example')).body['issuer']).toBe(
      `${vendor.origin}/${vendor.user.tid}/v2.0`,
    )
    expect((await document(vendor, '{tenantid}')).status).toBe(400)
    const keys = (await (await fetch(String(body['jwks_uri']))).json()) as {
      keys: { issuer: string }[]
    }
    expect(keys.keys[0]?.issuer).toBe(`${vendor.origin}/{tenantid}/v2.0`)
  })

  test('rejects a token request with Origin', async () => {
    const vendor = await start('microsoft')
    const response = await redeem(vendor, {}, {}, { origin: 'http://localhost:4000' })
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ error_codes: [9002326] }),
    ])
  })

  test('identifies users by tid and oid, and has no email_verified', async () => {
    const vendor = await start('microsoft')
    const tokens = await login(vendor)
    const claims = decodeJwt(tokens.id_token ?? '')
    expect(claims).toMatchObject({
      oid: vendor.user.id,
      tid: vendor.user.tid,
      iss: `${vendor.origin}/${vendor.user.tid}/v2.0`,
    })
    expect(claims).not.toHaveProperty('email_verified')
    expect((await read(vendor, tokens)).body).not.toHaveProperty('oid')
    expect(tokens.scope).toBe('openid profile email User.Read')
  })

  test('a refresh token needs offline_access, and is replaced while the old one stays valid', async () => {
    const vendor = await start('microsoft')
    expect(await login(vendor, { scope: 'openid profile' })).not.toHaveProperty('refresh_token')
    const { refresh_token: old } = await login(vendor)
    const fresh = (await (await refresh(vendor, old)).json()) as Tokens
    expect(fresh.refresh_token).not.toBe(old)
    expect((await refresh(vendor, old)).status).toBe(200)
  })

  test('many groups are listed by Graph, in pages', async () => {
    const vendor = await start('microsoft', { settings: { groupsOverage: true } })
    vendor.user.groups = Array.from({ length: 150 }, (_, index) => `group-${index}`)
    const tokens = await login(vendor)
    expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({ _claim_names: { groups: 'src1' } })
    const { body } = await read(vendor, tokens, '/v1.0/me/transitiveMemberOf')
    expect(body).toMatchObject({
      '@odata.nextLink': `${vendor.origin}/v1.0/me/transitiveMemberOf?$skiptoken=100`,
    })
  })
})

describe('gitlab', () => {
  test('supports any base path', async () => {
    const vendor = await start('gitlab', { settings: { basePath: '/code/gitlab' } })
    expect(vendor.options['baseUrl']).toBe(`${vendor.origin}/code/gitlab`)
    const tokens = await login(vendor)
    expect((await read(vendor, tokens)).status).toBe(200)
    expect((await read(vendor, tokens, '/oauth/userinfo')).status).toBe(404)
  })

  test('a refresh needs the redirect URI and revokes both old tokens', async () => {
    const vendor = await start('gitlab')
    const old = await login(vendor)
    expect((await refresh(vendor, old.refresh_token)).status).toBe(400)
    const both = await Promise.all(
      [1, 2].map(() => refresh(vendor, old.refresh_token, { redirect_uri: redirectUri })),
    )
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400])
    expect((await read(vendor, old)).status).toBe(401)
  })

  test('all groups are in userinfo, the direct ones in the ID token', async () => {
    const vendor = await start('gitlab')
    const tokens = await login(vendor)
    const claims = decodeJwt(tokens.id_token ?? '')
    expect(claims).toMatchObject({ groups_direct: ['acme'] })
    expect(claims).not.toHaveProperty('groups')
    expect((await read(vendor, tokens)).body).toMatchObject({ groups: ['acme', 'acme/platform'] })
    vendor.user.blocked = true
    expect((await read(vendor, tokens)).status).toBe(401)
  })
})

describe('facebook', () => {
  test('nests its errors, and the callback ends in #_=_', async () => {
    const vendor = await start('facebook')
    expect((await callback(vendor)).hash).toBe('#_=_')
    const response = await post(vendor, { code: 'wrong', redirect_uri: redirectUri })
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.objectContaining({ type: 'OAuthException', code: 100 }) },
    ])
    expect((await read(vendor, { access_token: 'dead' })).body).toMatchObject({
      error: { code: 190 },
    })
  })

  test('returns only id and name, unless fields are requested', async () => {
    const vendor = await start('facebook')
    const tokens = await login(vendor)
    expect(Object.keys((await read(vendor, tokens, '/v25.0/me')).body)).toEqual(['id', 'name'])
    expect((await read(vendor, tokens)).body).toMatchObject({
      email: 'femi@acme.example',
      picture: { data: { height: 50 } },
    })
    vendor.user.declined = ['email']
    expect((await read(vendor, tokens)).body).not.toHaveProperty('email')
    expect((await read(vendor, tokens, '/v25.0/me/permissions')).body).toMatchObject({
      data: [
        { permission: 'public_profile', status: 'granted' },
        { permission: 'email', status: 'declined' },
      ],
    })
    await callback(vendor, { auth_type: 'rerequest' })
    expect((await read(vendor, tokens)).body).toHaveProperty('email')
  })

  test('requires a proof of the app secret if configured', async () => {
    const vendor = await start('facebook', { settings: { proofRequired: true } })
    const tokens = await login(vendor)
    const proof = createHmac('sha256', vendor.clientSecret)
      .update(tokens.access_token)
      .digest('hex')
    expect((await read(vendor, tokens)).body).toMatchObject({ error: { code: 100 } })
    expect((await read(vendor, tokens, `/v25.0/me?appsecret_proof=${'0'.repeat(64)}`)).status).toBe(
      400,
    )
    expect((await read(vendor, tokens, `/v25.0/me?appsecret_proof=${proof}`)).status).toBe(200)
  })

  test('has no refresh tokens but exchanges short tokens for long ones', async () => {
    const vendor = await start('facebook')
    const tokens = await login(vendor)
    expect(tokens).not.toHaveProperty('refresh_token')
    expect(tokens).not.toHaveProperty('scope')
    const long = await post(vendor, {
      grant_type: 'fb_exchange_token',
      fb_exchange_token: tokens.access_token,
    })
    expect(await long.json()).toMatchObject({ expires_in: 5_183_944 })
    vendor.revokeTokens()
    expect(
      (
        await post(vendor, {
          grant_type: 'fb_exchange_token',
          fb_exchange_token: tokens.access_token,
        })
      ).status,
    ).toBe(400)
  })
})

describe('linkedin', () => {
  test('rejects a code verifier, or Basic, as invalid_client', async () => {
    const vendor = await start('linkedin')
    for (const response of [
      await redeem(vendor, s256, { code_verifier: verifier }),
      await redeem(vendor, {}, {}, basic(vendor.clientId, vendor.clientSecret)),
    ]) {
      expect([response.status, await response.json()]).toEqual([
        401,
        expect.objectContaining({ error: 'invalid_client' }),
      ])
    }
  })

  test('returns no nonce, joins scopes with commas, and its locale is an object', async () => {
    const vendor = await start('linkedin')
    const tokens = await login(vendor, { nonce: 'n1' })
    expect(tokens.access_token).toHaveLength(1000)
    expect(tokens.scope).toBe('email,openid,profile')
    expect(tokens).not.toHaveProperty('refresh_token')
    expect(decodeJwt(tokens.id_token ?? '')).not.toHaveProperty('nonce')
    expect(decodeJwt(tokens.id_token ?? '').iss).toBe(`${vendor.origin}/oauth`)
    expect((await read(vendor, tokens)).body).toMatchObject({
      locale: { country: 'US', language: 'en' },
    })
  })

  test('rejects the former scopes', async () => {
    const vendor = await start('linkedin')
    expect((await callback(vendor, { scope: 'r_liteprofile' })).searchParams.get('error')).toBe(
      'unauthorized_scope_error',
    )
  })
})

describe('twitch', () => {
  const claims = JSON.stringify({
    id_token: { email: null, email_verified: null },
    userinfo: { email: null, preferred_username: null },
  })

  test('rejects Basic, and its errors have no error member', async () => {
    const vendor = await start('twitch')
    const response = await redeem(vendor, {}, {}, basic(vendor.clientId, vendor.clientSecret))
    expect([response.status, await response.json()]).toEqual([
      403,
      { status: 403, message: 'invalid client secret' },
    ])
    expect(
      await (await post(vendor, { grant_type: 'authorization_code', code: 'x' })).json(),
    ).toEqual({
      status: 400,
      message: 'Invalid authorization code',
    })
  })

  test('returns the email only if the claims parameter requests it', async () => {
    const vendor = await start('twitch')
    const naive = await login(vendor)
    expect(decodeJwt(naive.id_token ?? '')).not.toHaveProperty('email')
    expect((await read(vendor, naive)).body).not.toHaveProperty('email')
    const tokens = await login(vendor, { claims })
    expect(tokens.scope).toEqual(['openid', 'user:read:email'])
    expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({
      email: 'tessa@acme.example',
      email_verified: true,
    })
    expect((await read(vendor, tokens)).body).toMatchObject({ preferred_username: 'TessaPlays' })
    vendor.user.emailVerified = false
    expect((await read(vendor, tokens)).body).toMatchObject({ email: null })
  })

  test('a refresh returns a refresh token and no ID token', async () => {
    const vendor = await start('twitch')
    const tokens = await login(vendor)
    const fresh = (await (await refresh(vendor, tokens.refresh_token)).json()) as Tokens
    expect(fresh.refresh_token).toBe(tokens.refresh_token)
    expect(fresh).not.toHaveProperty('id_token')
  })

  test('validates under the scheme OAuth, and revokes', async () => {
    const vendor = await start('twitch')
    const tokens = await login(vendor)
    const oauth = { authorization: `OAuth ${tokens.access_token}` }
    expect((await read(vendor, tokens, '/oauth2/validate', oauth)).body).toMatchObject({
      user_id: '141981764',
      login: 'tessaplays',
    })
    expect((await read(vendor, tokens, '/helix/users')).status).toBe(401)
    expect(
      (await read(vendor, tokens, '/helix/users', { 'client-id': vendor.clientId })).status,
    ).toBe(200)
    const body = encode({ client_id: vendor.clientId, token: tokens.access_token })
    expect((await fetch(`${vendor.origin}/oauth2/revoke`, { method: 'POST', body })).status).toBe(
      200,
    )
    expect((await read(vendor, tokens, '/oauth2/validate', oauth)).status).toBe(401)
  })
})

describe('amazon', () => {
  test('a challenge without a method is plain', async () => {
    const vendor = await start('amazon')
    expect(
      (await redeem(vendor, { code_challenge: challenge }, { code_verifier: verifier })).status,
    ).toBe(400)
    expect(
      (await redeem(vendor, { code_challenge: verifier }, { code_verifier: verifier })).status,
    ).toBe(200)
  })

  test('rejects the scope openid and plain http', async () => {
    const vendor = await start('amazon')
    expect((await callback(vendor, { scope: 'openid profile' })).searchParams.get('error')).toBe(
      'invalid_scope',
    )
    expect(
      (
        await fetch(authorizeUrl(vendor, { redirect_uri: 'http://app.example/cb' }), {
          redirect: 'manual',
        })
      ).status,
    ).toBe(400)
  })

  test('refreshes with the same or another refresh token, and only with the secret', async () => {
    const vendor = await start('amazon')
    const tokens = await login(vendor)
    expect(tokens.access_token).toMatch(/^Atza\|/)
    expect(tokens).not.toHaveProperty('scope')
    expect(await (await refresh(vendor, tokens.refresh_token)).json()).toMatchObject({
      refresh_token: tokens.refresh_token,
    })
    vendor.settings.rotateRefreshTokens = true
    expect(await (await refresh(vendor, tokens.refresh_token)).json()).not.toMatchObject({
      refresh_token: tokens.refresh_token,
    })
    expect(
      await login(vendor, s256, { code_verifier: verifier, client_secret: undefined }),
    ).not.toHaveProperty('refresh_token')
    expect((await redeem(vendor, {}, { client_secret: undefined })).status).toBe(401)
  })

  test('a revoked token gets 400 invalid_token, and profile:user_id returns only the id', async () => {
    const vendor = await start('amazon')
    const dead = await read(vendor, { access_token: 'Atza|dead' })
    expect([dead.status, dead.body]).toEqual([
      400,
      expect.objectContaining({ error: 'invalid_token' }),
    ])
    const tokens = await login(vendor, { scope: 'profile:user_id' })
    expect((await read(vendor, tokens)).body).toEqual({ user_id: vendor.user.id })
  })
})

describe('generic oidc', () => {
  const verify = (vendor: VendorServer, token: string, algorithms = ['RS256']) =>
    jwtVerify(token, createRemoteJWKSet(new URL(`${vendor.origin}/jwks`)), {
      issuer: vendor.origin,
      audience: vendor.clientId,
      algorithms,
    })

  test.each(['RS256', 'ES256'] as const)(
    'signs with %s, verifiable with its keys',
    async (signingAlg) => {
      const vendor = await start('oidc', { settings: { signingAlg, userinfoJwt: true } })
      const tokens = await login(vendor, { nonce: 'n1' })
      const { payload } = await verify(vendor, tokens.id_token ?? '', [signingAlg])
      expect(payload).toMatchObject({ nonce: 'n1', sub: 'user-1', email: 'ida@acme.example' })
      const info = await read(vendor, tokens)
      expect(info.headers.get('content-type')).toBe('application/jwt')
      expect((await verify(vendor, String(info.body), [signingAlg])).payload.sub).toBe('user-1')
    },
  )

  test('keys rotate', async () => {
    const vendor = await start('oidc')
    const old = await login(vendor)
    vendor.rotateKeys()
    const fresh = await login(vendor)
    await expect(verify(vendor, old.id_token ?? '')).rejects.toThrow()
    expect((await verify(vendor, fresh.id_token ?? '')).payload.sub).toBe('user-1')
  })

  test.each([
    'none',
    'HS256-secret',
    'HS256-public-key',
    'wrong-key',
    'unknown-kid',
    'bad-signature',
  ] as const)('an ID token with %s does not verify, the next one does', async (signing) => {
    const vendor = await start('oidc')
    vendor.claims({}, { signing, once: true })
    await expect(verify(vendor, (await login(vendor)).id_token ?? '')).rejects.toThrow()
    expect((await verify(vendor, (await login(vendor)).id_token ?? '')).payload.sub).toBe('user-1')
  })

  test('claims and header can be overridden or deleted', async () => {
    const vendor = await start('oidc')
    vendor.claims({ sub: 'other', email: undefined }, { header: { typ: 'odd' } })
    const { id_token: token = '' } = await login(vendor)
    expect(decodeProtectedHeader(token).typ).toBe('odd')
    expect(decodeJwt(token)).toMatchObject({ sub: 'other' })
    expect(decodeJwt(token)).not.toHaveProperty('email')
    vendor.claims()
    expect(decodeJwt((await login(vendor)).id_token ?? '').sub).toBe('user-1')
  })

  test('Basic is form-encoded, and only the configured method authenticates', async () => {
    const vendor = await start('oidc', {
      clientId: 'a:b%c',
      clientSecret: 's+e c/r',
      settings: { clientAuth: ['client_secret_basic'] },
    })
    expect((await redeem(vendor)).status).toBe(401)
    expect(
      (
        await redeem(
          vendor,
          {},
          {},
          { authorization: `Basic ${Buffer.from('a:b%c:s+e c/r').toString('base64')}` },
        )
      ).status,
    ).toBe(401)
    expect((await redeem(vendor, {}, {}, basic('a:b%c', 's+e c/r'))).status).toBe(200)
    vendor.settings.clientAuth = ['none']
    expect((await redeem(vendor, {}, { client_secret: undefined })).status).toBe(200)
  })

  test('private_key_jwt authenticates once', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const clientKey = { ...(await exportJWK(publicKey)), alg: 'ES256' }
    const vendor = await start('oidc', { settings: { clientAuth: ['private_key_jwt'], clientKey } })
    const assertion = await new SignJWT({ jti: 'j1' })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(vendor.clientId)
      .setSubject(vendor.clientId)
      .setAudience(vendor.origin)
      .setExpirationTime('1m')
      .sign(privateKey)
    const fields = {
      client_secret: undefined,
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }
    expect((await redeem(vendor, {}, fields)).status).toBe(200)
    expect((await redeem(vendor, {}, fields)).status).toBe(401)
  })

  test('rejects other requests if they must be pushed, and accepts a pushed one once', async () => {
    const vendor = await start('oidc', { settings: { parRequired: true } })
    expect((await callback(vendor)).searchParams.get('error')).toBe('invalid_request')
    const body = authorizeUrl(vendor).searchParams
    expect((await fetch(`${vendor.origin}/par`, { method: 'POST', body })).status).toBe(401)
    body.set('client_secret', vendor.clientSecret)
    const pushed = (await (
      await fetch(`${vendor.origin}/par`, { method: 'POST', body })
    ).json()) as {
      request_uri: string
    }
    const url = `${vendor.origin}/authorize?${encode({ client_id: vendor.clientId, request_uri: pushed.request_uri })}`
    const answer = await fetch(url, { redirect: 'manual' })
    expect(new URL(answer.headers.get('location') ?? '').searchParams.get('code')).toMatch(/./)
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(400)
  })

  test('prompt=login renews auth_time, unless configured to ignore it', async () => {
    const vendor = await start('oidc')
    const authTime = async (extra: Fields) =>
      Number(decodeJwt((await login(vendor, extra)).id_token ?? '')['auth_time'])
    const realNow = Date.now
    try {
      const first = await authTime({})
      Date.now = () => realNow() + 100_000
      expect(await authTime({})).toBe(first)
      expect(await authTime({ prompt: 'login' })).toBeGreaterThanOrEqual(first + 100)
      vendor.settings.ignoreReauthentication = true
      Date.now = () => realNow() + 200_000
      expect(await authTime({ max_age: '0' })).toBeLessThan(first + 200)
    } finally {
      Date.now = realNow
    }
  })
})

describe('the server', () => {
  test('several users get an account page; denying is reported in the callback', async () => {
    const users = [
      { id: '1', name: '<Ann>', email: 'ann@acme.example' },
      { id: '2', name: 'Bob' },
    ]
    const vendor = await start('oidc', { users })
    const page = await fetch(authorizeUrl(vendor), { redirect: 'manual' })
    const html = await page.text()
    expect(page.status).toBe(200)
    expect(html).toContain('&lt;Ann&gt;')
    const links = [...html.matchAll(/<a[^>]* href="([^"]+)"/g)].map(
      ([, href = '']) => vendor.origin + href.replaceAll('&amp;', '&'),
    )
    expect(links).toHaveLength(3)
    const follow = async (url = '') =>
      new URL((await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '').searchParams
    const tokens = await post(vendor, {
      grant_type: 'authorization_code',
      code: (await follow(links[1])).get('code') ?? '',
      redirect_uri: redirectUri,
    })
    expect(decodeJwt(((await tokens.json()) as Tokens).id_token ?? '').sub).toBe('2')
    expect((await follow(links[2])).get('error')).toBe('access_denied')
    expect((await callback(vendor, { prompt: 'none' })).searchParams.get('error')).toBe(
      'login_required',
    )
  })

  test('a changed user is returned for earlier tokens', async () => {
    const vendor = await start('google')
    const tokens = await login(vendor)
    vendor.user.email = 'new@acme.example'
    expect((await read(vendor, tokens)).body).toMatchObject({ email: 'new@acme.example' })
    vendor.user = { id: 'somebody-else' }
    expect((await read(vendor, tokens)).body).toEqual({ sub: 'somebody-else' })
  })

  test('a response can be replaced, once or permanently', async () => {
    const vendor = await start('oauth2')
    const tokens = await login(vendor)
    vendor.respond('userinfo', { status: 503, body: { down: true } }, { once: true })
    expect(await read(vendor, tokens)).toMatchObject({ status: 503, body: { down: true } })
    expect((await read(vendor, tokens)).status).toBe(200)
    const end = vendor.respond('*', ({ endpoint }) =>
      endpoint === 'userinfo' ? 'reset' : undefined,
    )
    await expect(read(vendor, tokens)).rejects.toThrow()
    end()
    expect((await read(vendor, tokens)).status).toBe(200)
  })

  test.each(['hang', 'slow-body', 'truncated'] as const)('a response can %s', async (fault) => {
    const vendor = await start('oauth2')
    vendor.respond('userinfo', fault)
    const get = async () =>
      (await fetch(`${vendor.origin}/me`, { signal: AbortSignal.timeout(300) })).text()
    await expect(get()).rejects.toThrow()
    expect(vendor.requests[0]?.endpoint).toBe('userinfo')
  })

  test('a response can be huge', async () => {
    const vendor = await start('oauth2')
    vendor.respond('userinfo', 'huge-body')
    expect((await (await fetch(`${vendor.origin}/me`)).arrayBuffer()).byteLength).toBeGreaterThan(
      60_000_000,
    )
  })

  test('errors can be forced, and redirect URIs registered', async () => {
    const vendor = await start('oauth2', {
      settings: { redirectUris: ['http://localhost:4000/other'] },
    })
    expect((await fetch(authorizeUrl(vendor), { redirect: 'manual' })).status).toBe(400)
    vendor.settings.redirectUris = [redirectUri]
    vendor.settings.refuse = { error: 'temporarily_unavailable' }
    expect((await callback(vendor)).searchParams.get('error')).toBe('temporarily_unavailable')
  })
})
