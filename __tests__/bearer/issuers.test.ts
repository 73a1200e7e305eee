import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { OAuthModuleOptions } from '../../src/index.js'
import { startGate, stopAll } from '../support/gate.js'
import {
  call,
  startTokenIssuer,
  type TokenIssuer,
  unused,
  userOf,
} from '../support/token-issuer.js'

type Entry = Partial<NonNullable<OAuthModuleOptions['bearer']>['issuers'][number]>

/** What an issuer puts into its access tokens and ID tokens, and the options for them. */
interface Case {
  readonly path: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly entry: Entry
  /** The ID of the user, and the scopes. */
  readonly id: string
  readonly scopes: readonly string[]
  /** The ID token for the same audience, if that is possible. */
  readonly idToken?: Readonly<Record<string, unknown>>
  readonly slash?: boolean
}

const none = { scope: undefined, client_id: undefined, jti: undefined }
const tenant = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const app = '11112222-bbbb-3333-cccc-4444dddd5555'
const oid = '0f8fad5b-d9cb-469f-a165-70867728950e'
const pairwise = 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ'

/**
 * https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles,
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference,
 * https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/#access-token,
 * https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html,
 * https://docs.gitlab.com/ci/secrets/id_token_authentication/,
 * https://docs.github.com/actions/reference/security/oidc
 */
const cases: Readonly<Record<string, Case>> = {
  'RFC 9068': {
    path: '',
    header: { typ: 'application/AT+JWT' },
    claims: {},
    entry: {},
    id: 'ada',
    scopes: ['read', 'write'],
    idToken: { ...none, nonce: 'n-0S6_WzA2Mj' },
  },
  'Auth0 with its own profile': {
    path: '',
    slash: true,
    header: { typ: 'JWT' },
    claims: {
      ...none,
      sub: 'auth0|65f1a2b3c4d5e6f708192a3b',
      aud: ['https://api.example.com', 'https://acme.eu.auth0.com/userinfo'],
      azp: 'my_client_id',
      scope: 'openid profile email read:reports',
    },
    entry: {},
    id: 'auth0|65f1a2b3c4d5e6f708192a3b',
    scopes: ['openid', 'profile', 'email', 'read:reports'],
    idToken: { ...none, sid: 'nV0Hb', nickname: 'ada', email: 'ada@example.com' },
  },
  'Auth0 for a machine': {
    path: '',
    slash: true,
    header: { typ: 'JWT' },
    claims: {
      ...none,
      sub: 'my_client_id@clients',
      azp: 'my_client_id',
      gty: 'client-credentials',
    },
    entry: {},
    id: 'my_client_id@clients',
    scopes: [],
  },
  'Entra v1': {
    path: `/${tenant}`,
    slash: true,
    header: { typ: 'JWT', x5t: 'HS23b7Do7TcaU1RoLHwpIq24VYg' },
    claims: {
      ...none,
      ...{ aud: 'api://reports', acr: '1', aio: 'AXQAi/8IAAAA', amr: ['pwd'], appid: app },
      ...{ appidacr: '0', ipaddr: '203.0.113.7', name: 'Ada Lovelace', oid, rh: '0.AS8A' },
      ...{ scp: 'Reports.Read Reports.Write', sub: pairwise, tid: tenant, uti: 'uti', ver: '1.0' },
      ...{ unique_name: 'ada@corp.example', upn: 'ada@corp.example' },
    },
    entry: { audience: 'api://reports', idClaim: 'oid' },
    id: oid,
    scopes: ['Reports.Read', 'Reports.Write'],
    idToken: { ...none, aud: 'api://reports', oid, sub: pairwise, tid: tenant, ver: '1.0' },
  },
  'Entra v2': {
    path: `/${tenant}/v2.0`,
    header: { typ: 'JWT' },
    claims: {
      ...none,
      ...{ aud: app, aio: 'AXQAi/8IAAAA', azp: app, azpacr: '0', name: 'Ada Lovelace', oid },
      ...{ preferred_username: 'ada@corp.example', rh: '0.AS8A', scp: 'Reports.Read' },
      ...{ sub: pairwise, tid: tenant, uti: 'uti', ver: '2.0' },
    },
    entry: { audience: [app], idClaim: 'oid' },
    id: oid,
    scopes: ['Reports.Read'],
    // The same registration signs users in: the audience of both tokens is its client ID.
    idToken: {
      ...none,
      ...{ aud: app, name: 'Ada Lovelace', oid, preferred_username: 'ada@corp.example' },
      ...{ roles: ['Reader'], sub: pairwise, tid: tenant, uti: 'uti', ver: '2.0' },
    },
  },
  'Entra v2 for an application': {
    path: `/${tenant}/v2.0`,
    header: { typ: 'JWT' },
    claims: {
      ...none,
      ...{ aud: app, azp: app, azpacr: '1', oid, roles: ['Reports.Read.All'], sub: oid },
      ...{ tid: tenant, uti: 'uti', ver: '2.0' },
    },
    entry: { audience: app, idClaim: 'oid', groupsClaim: 'roles', groups: ['Reports.Read.All'] },
    id: oid,
    scopes: [],
  },
  Okta: {
    path: '/oauth2/default',
    header: {},
    claims: {
      ...none,
      ...{ ver: 1, jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE' },
      ...{ aud: 'api://default', cid: '0oabv6kx4qq6h1U5l0h7', uid: '00ujmkLgagxeRrAg20g3' },
      ...{ scp: ['openid', 'reports'], sub: 'ada@corp.example', auth_time: 1_700_000_000 },
    },
    entry: { audience: 'api://default', idClaim: 'uid' },
    id: '00ujmkLgagxeRrAg20g3',
    scopes: ['openid', 'reports'],
    idToken: {
      ...none,
      ...{ ver: 1, jti: 'ID.4eAWJOCMB3SX8XewDfVR', aud: 'api://default', amr: ['pwd'] },
      ...{ at_hash: 'cpqKfdQA5eH891Ff5oJr_Q', uid: '00ujmkLgagxeRrAg20g3' },
    },
  },
  Keycloak: {
    path: '/realms/staff',
    header: { typ: 'JWT' },
    claims: {
      ...{ client_id: undefined, typ: 'Bearer', azp: 'cli', nonce: 'of an old version' },
      ...{ aud: ['https://api.example.com', 'account'], session_state: 's', acr: '1' },
      ...{ 'allowed-origins': ['*'], scope: 'openid profile email', sid: 's' },
      ...{ realm_access: { roles: ['staff', 'offline_access'] }, email_verified: true },
      ...{ email: 'ada@corp.example', preferred_username: 'ada', name: 'Ada Lovelace' },
    },
    entry: { groupsClaim: 'realm_access.roles', groups: ['staff'] },
    id: 'ada',
    scopes: ['openid', 'profile', 'email'],
    idToken: { scope: undefined, client_id: undefined, typ: 'ID', azp: 'api', at_hash: 'x' },
  },
  Cognito: {
    path: '/eu-central-1_Example',
    header: {},
    claims: {
      ...{ aud: undefined, client_id: '1example23456789', token_use: 'access', version: 2 },
      ...{ 'cognito:groups': ['staff'], origin_jti: 'o', event_id: 'e', username: 'ada' },
      ...{ scope: 'aws.cognito.signin.user.admin reports/read', auth_time: 1_700_000_000 },
    },
    entry: {
      audience: '1example23456789',
      groupsClaim: 'cognito:groups',
      groups: ['staff'],
    },
    id: 'ada',
    scopes: ['aws.cognito.signin.user.admin', 'reports/read'],
    idToken: { ...none, aud: '1example23456789', token_use: 'id', 'cognito:groups': ['staff'] },
  },
  'GitLab CI': {
    path: '',
    header: { typ: 'JWT' },
    claims: {
      ...none,
      ...{ sub: 'project_path:acme/app:ref_type:branch:ref:main', namespace_path: 'acme' },
      ...{ project_id: '20', project_path: 'acme/app', job_id: '302', pipeline_id: '574' },
      ...{ user_login: 'ada', user_email: 'ada@corp.example', ref: 'main', ref_protected: 'true' },
    },
    entry: { groupsClaim: 'project_path', groups: ['acme/app'] },
    id: 'project_path:acme/app:ref_type:branch:ref:main',
    scopes: [],
    idToken: { ...none, sub: '42', name: 'Ada', email: 'ada@corp.example', groups_direct: [] },
  },
  'GitHub Actions': {
    path: '/_services/token',
    header: { typ: 'JWT' },
    claims: {
      ...none,
      ...{ sub: 'repo:acme/app:ref:refs/heads/main', repository: 'acme/app', ref: 'main' },
      ...{ repository_owner: 'acme', actor: 'ada', run_id: '30433642', workflow: 'deploy' },
    },
    entry: { groupsClaim: 'repository', groups: ['acme/app'] },
    id: 'repo:acme/app:ref:refs/heads/main',
    scopes: [],
  },
}

let idp: TokenIssuer

beforeAll(async () => {
  idp = await startTokenIssuer({ alg: 'RS256' })
})
afterAll(stopAll)

const rows = Object.entries(cases)

async function serve({ path, slash = false, entry, claims }: Case) {
  idp.metadata = { slash }
  const issuer = idp.issuer(path) + (slash ? '/' : '')
  const gate = await startGate({
    provider: { web: unused() },
    bearer: { issuers: [{ issuer, audience: 'https://api.example.com', ...entry }] },
  })
  return { gate, claims: idp.claims({ iss: issuer, ...claims }), issuer }
}

describe('a token as it is issued by', () => {
  test.each(rows)('%s is accepted with the right options', async (_, one) => {
    const { gate, claims, issuer } = await serve(one)
    const answer = await call(gate, await idp.sign(claims, { header: one.header }))
    expect(userOf(answer)).toMatchObject({
      id: one.id,
      key: `${issuer}:${one.id}`,
      provider: issuer,
    })
    expect(answer.body['oauth']).toMatchObject({
      isAuthenticated: true,
      kind: 'token',
      scopes: one.scopes,
    })
  })

  test.each(rows.filter(([, { idToken }]) => idToken !== undefined))(
    '%s is rejected if it is an ID token, although issuer, audience and signature are right',
    async (_, one) => {
      const { gate, issuer } = await serve(one)
      const claims = idp.claims({ iss: issuer, ...one.idToken })
      const answer = await call(gate, await idp.sign(claims, { header: { typ: 'JWT' } }))
      expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_token'])
      expect(gate.reached).toEqual([])
    },
  )
})

describe('Google', () => {
  afterEach(() => idp.opaque.clear())

  const google = () => ({
    issuer: 'https://accounts.google.com',
    audience: '407408718192.apps.googleusercontent.com',
    introspection: { endpoint: `${idp.origin}/tokeninfo` },
  })
  const info = {
    azp: '407408718192.apps.googleusercontent.com',
    aud: '407408718192.apps.googleusercontent.com',
    sub: '110169484474386276334',
    scope: 'openid https://www.googleapis.com/auth/userinfo.email',
    exp: String(Math.floor(Date.now() / 1000) + 3000),
    expires_in: '3000',
    email: 'ada@corp.example',
    email_verified: 'true',
    access_type: 'online',
  }
  const serveGoogle = () =>
    startGate({
      provider: { web: unused() },
      bearer: { issuers: [{ ...google(), emailDomains: ['corp.example'] }] },
    })

  test('is asked by its tokeninfo endpoint, without the token in the URL', async () => {
    const gate = await serveGoogle()
    idp.opaque.set('ya29.a0AfH6SMB', info)
    const answer = await call(gate, 'ya29.a0AfH6SMB')
    expect(userOf(answer)).toMatchObject({
      key: 'https://accounts.google.com:110169484474386276334',
      email: 'ada@corp.example',
      emailVerified: true,
    })
    expect(idp.requests.join(' ')).not.toContain('ya29')
  })

  test.each([
    ['of another client', { aud: 'other.apps.googleusercontent.com' }],
    ['without the scope that returns sub', { sub: undefined }],
    ['with an address that is not verified', { email_verified: 'false' }],
  ])('rejects a token %s', async (_, change) => {
    const gate = await serveGoogle()
    idp.opaque.set('ya29.other', { ...info, ...change })
    expect((await call(gate, 'ya29.other')).status).toBeGreaterThanOrEqual(401)
    expect((await call(gate, 'ya29.unknown')).body['error']).toBe('invalid_token')
    expect(gate.reached).toEqual([])
  })
})

test('an issuer of many tenants gives users of different tenants different keys', async () => {
  const [other, third] = [app, oid]
  const template = `${idp.origin}/{tenantid}/v2.0`
  idp.metadata = { issuer: template }
  const gate = await startGate({
    provider: { web: unused() },
    bearer: { issuers: [{ issuer: template, audience: 'api', idClaim: 'oid' }] },
  })
  const token = (more: Record<string, unknown>) =>
    idp
      .sign(idp.claims({ ...none, aud: 'api', scp: 'x', oid: 'same', ...more }))
      .then((signed) => call(gate, signed))
  const keys = []
  for (const tid of [tenant, other]) {
    const answer = await token({ tid, iss: `${idp.origin}/${tid}/v2.0` })
    keys.push(String(userOf(answer)['key']))
  }
  expect(keys).toEqual([`${template}:${tenant}.same`, `${template}:${other}.same`])
  // The issuer must be that of the tenant in the token.
  expect((await token({ tid: third, iss: `${idp.origin}/${tenant}/v2.0` })).status).toBe(401)
  expect((await token({ tid: '../x', iss: `${idp.origin}/../x/v2.0` })).status).toBe(401)
  idp.metadata = {}
})
