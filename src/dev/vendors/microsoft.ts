import { randomUUID } from 'node:crypto'
import { json, redirect } from './responses.js'
import { authorize } from './authorize.js'
import { asksToSignInAgain, idToken, standardClaims } from './claims.js'
import { graphRoutes, pairwise } from './microsoft-graph.js'
import { signedOutPage } from './pages.js'
import { redeem, standardError, tokenResponse, type TokenFailure } from './token.js'
import type { VendorResponse, VendorUser } from './types.js'
import type { Exchange, Profile, Route, Vendor } from './vendor.js'

/** The tenant of personal accounts. */
export const CONSUMER_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad'
const HOME_TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const TENANT =
  /^(common|organizations|consumers|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z0-9-]+(\.[a-z0-9-]+)+)$/i

/** https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc */
export const microsoft: Profile = {
  name: 'microsoft',
  settings: { tokenLifetime: 4200, rotateRefreshTokens: true },
  users: [
    {
      id: '2d5f3b0a-6f0e-4b0a-9a57-0d1b0a3e7c11',
      tid: HOME_TENANT,
      username: 'mara@acme.example',
      name: 'Mara Lindqvist',
      email: 'mara@acme.example',
    },
  ],
  options({ settings, origin }) {
    const base = `${origin}/${settings.tenant}`
    return {
      tenant: settings.tenant,
      endpoints: {
        issuer: `${origin}/{tenantid}/v2.0`,
        authorization: `${base}/oauth2/v2.0/authorize`,
        token: `${base}/oauth2/v2.0/token`,
        userinfo: `${origin}/oidc/userinfo`,
        jwks: `${base}/discovery/v2.0/keys`,
        endSession: `${base}/oauth2/v2.0/logout`,
        api: `${origin}/v1.0`,
      },
    }
  },
  routes: (vendor) => [...tenantRoutes(vendor).map(inTenant), ...graphRoutes(vendor)],
}

function inTenant(route: Route): Route {
  return {
    ...route,
    path: `/{tenant}${route.path}`,
    respond: (exchange) => {
      const { tenant = '' } = exchange.path
      return TENANT.test(tenant)
        ? route.respond(exchange)
        : problem(400, 'invalid_tenant', 90002, `Tenant '${tenant}' not found.`)
    },
  }
}

function tenantRoutes(vendor: Vendor): Route[] {
  const { origin, settings } = vendor
  return [
    {
      endpoint: 'discovery',
      methods: ['GET'],
      path: '/v2.0/.well-known/openid-configuration',
      respond: ({ path }) =>
        json(200, { ...metadata(path['tenant'] ?? '', vendor), ...settings.discovery }),
    },
    {
      endpoint: 'jwks',
      methods: ['GET'],
      path: '/discovery/v2.0/keys',
      respond: async () =>
        json(
          200,
          await vendor.idTokens.jwks({ issuer: settings.keyIssuer ?? `${origin}/{tenantid}/v2.0` }),
        ),
    },
    {
      endpoint: 'authorize',
      methods: ['GET', 'POST'],
      path: '/oauth2/v2.0/authorize',
      respond: (exchange) => authorizePage(exchange, vendor),
    },
    {
      endpoint: 'token',
      methods: ['POST'],
      path: '/oauth2/v2.0/token',
      respond: (exchange) => token(exchange, vendor),
    },
    {
      endpoint: 'endSession',
      methods: ['GET', 'POST'],
      path: '/oauth2/v2.0/logout',
      respond({ params }) {
        const to = params.get('post_logout_redirect_uri')
        return to !== null && URL.canParse(to) ? redirect(to) : signedOutPage()
      },
    },
  ]
}

/** `code_challenge_methods_supported` is missing, though PKCE works. */
function metadata(tenant: string, { origin, user }: Vendor) {
  const issuers: Record<string, string> = {
    common: '{tenantid}',
    organizations: '{tenantid}',
    consumers: CONSUMER_TENANT,
  }
  // A domain's document names the tenant's id, which is not what was asked for.
  const issuerTenant =
    issuers[tenant] ?? (tenant.includes('.') ? (user.tid ?? HOME_TENANT) : tenant)
  const base = `${origin}/${tenant}`
  return {
    issuer: `${origin}/${issuerTenant}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    userinfo_endpoint: `${origin}/oidc/userinfo`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    token_endpoint_auth_methods_supported: [
      'client_secret_post',
      'private_key_jwt',
      'client_secret_basic',
    ],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    response_types_supported: ['code'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
  }
}

function authorizePage(exchange: Exchange, vendor: Vendor): VendorResponse {
  return authorize(exchange, vendor, {
    prompts: ['login', 'none', 'consent', 'select_account'],
    challengeMethods: ['S256', 'plain'],
    asksToSignInAgain,
    extras: () => ({ session_state: randomUUID() }),
    refuse: (_, scopes) =>
      scopes.length > 0
        ? undefined
        : {
            error: 'invalid_request',
            error_description: "AADSTS900144: The request must contain 'scope'.",
          },
  })
}

async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  if (exchange.request.headers['origin'] !== undefined) {
    return problem(
      400,
      'invalid_request',
      9002326,
      "Cross-origin token redemption is permitted only for 'Single-Page Application' clients.",
    )
  }
  const outcome = await redeem(exchange, vendor, {
    hasRefreshToken: ({ scopes }) => scopes.includes('offline_access'),
    keepsOldRefreshToken: true,
  })
  if (outcome.error) return failure(outcome)
  const { grant, user } = outcome
  const body = {
    token_type: 'Bearer',
    // More than was asked for.
    scope: [
      ...new Set([...grant.scopes.filter((scope) => scope !== 'offline_access'), 'User.Read']),
    ].join(' '),
    ...tokenResponse(outcome),
    ext_expires_in: outcome.expiresIn,
  }
  if (!grant.scopes.includes('openid')) return json(200, body)
  const issuer = `${vendor.origin}/${user.tid ?? HOME_TENANT}/v2.0`
  const id = await idToken(vendor, outcome, {
    issuer,
    subject: pairwise(user, vendor),
    claims: claims(user, grant.scopes, vendor),
  })
  return json(200, { ...body, id_token: id })
}

/** No `email_verified`: only `xms_edov`, for apps that ask for it (in `claims` of the user). */
function claims(user: VendorUser, scopes: readonly string[], vendor: Vendor) {
  const { name, preferred_username, email } = standardClaims(user, scopes)
  const overage = {
    _claim_names: { groups: 'src1' },
    _claim_sources: {
      src1: { endpoint: `${vendor.origin}/v1.0/users/${user.id}/getMemberObjects` },
    },
  }
  const groups = vendor.settings.groupsOverage ? overage : user.groups && { groups: user.groups }
  const profile = scopes.includes('profile')
    ? { name, preferred_username, oid: String(user.id) }
    : {}
  return {
    ver: '2.0',
    tid: user.tid ?? HOME_TENANT,
    ...profile,
    ...(email === undefined ? {} : { email }),
    ...groups,
  }
}

function failure(outcome: TokenFailure): VendorResponse {
  const codes: Record<string, number> = {
    invalid_client: 7000215,
    invalid_grant: 70008,
    unsupported_grant_type: 70003,
  }
  const { status, error } = standardError(outcome)
  return problem(status, error, codes[error] ?? 900144, outcome.description)
}

function problem(status: number, error: string, code: number, description: string): VendorResponse {
  const trace = {
    trace_id: randomUUID(),
    correlation_id: randomUUID(),
    timestamp: new Date().toISOString(),
  }
  return json(status, {
    error,
    error_description: `AADSTS${code}: ${description}`,
    error_codes: [code],
    ...trace,
  })
}
