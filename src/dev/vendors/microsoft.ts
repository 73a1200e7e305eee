import { randomUUID } from 'node:crypto'
import { json, redirect } from './responses.js'
import { authorize } from './authorize.js'
import { asksToSignInAgain } from './claims.js'
import { isDomain } from '../../access/email.js'
import { graphRoutes } from './microsoft-graph.js'
import { signedOutPage } from './pages.js'
import { HOME_TENANT, problem, token } from './microsoft-token.js'
import type { VendorResponse } from './types.js'
import type { Exchange, Profile, Route, Vendor } from './vendor.js'

/** The tenant of personal accounts. */
export const CONSUMER_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad'
const SHARED_TENANTS = ['common', 'organizations', 'consumers']
const TENANT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

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
      return isTenant(tenant)
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

/** Microsoft supports PKCE but does not list `code_challenge_methods_supported`. */
function metadata(tenant: string, { origin, user }: Vendor) {
  const issuers: Record<string, string> = {
    common: '{tenantid}',
    organizations: '{tenantid}',
    consumers: CONSUMER_TENANT,
  }
  // The document of a domain has the ID of its tenant.
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
    supportsFormPost: true,
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

function isTenant(tenant: string): boolean {
  return SHARED_TENANTS.includes(tenant) || TENANT_ID.test(tenant) || isDomain(tenant)
}
