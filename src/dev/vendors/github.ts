import { form, json } from './responses.js'
import { authorize } from './authorize.js'
import { githubApi, normalizedScopes } from './github-api.js'
import { tokenManagement } from './github-applications.js'
import { redeem, tokenResponse, type TokenFailure } from './token.js'
import type { Exchange, Profile, Vendor } from './vendor.js'
import type { VendorResponse } from './types.js'

/** https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps */
export const github: Profile = {
  name: 'github',
  // The lifetime of a GitHub App's tokens. Those of an OAuth App never expire.
  settings: { issInCallback: true, tokenLifetime: 28_800, rotateRefreshTokens: true },
  users: [
    {
      id: '583231',
      username: 'octavia',
      name: 'Octavia Cole',
      // The public address. The verified addresses are below.
      email: null,
      emails: [
        {
          email: 'octavia@users.noreply.example',
          primary: false,
          verified: true,
          visibility: null,
        },
        { email: 'octavia@acme.example', primary: true, verified: true, visibility: 'private' },
      ],
      organizations: ['acme'],
      teams: ['acme/engineering'],
      picture: 'https://avatars.example/octavia.png',
    },
  ],
  options: ({ settings, url }) =>
    settings.ghes || settings.basePath
      ? { baseUrl: url('') }
      : {
          endpoints: {
            authorization: url('/login/oauth/authorize'),
            token: url('/login/oauth/access_token'),
            api: url(''),
          },
        },
  routes(vendor) {
    const { basePath } = vendor.settings
    return [
      {
        endpoint: 'authorize',
        methods: ['GET'],
        path: `${basePath}/login/oauth/authorize`,
        respond: (exchange) => authorizePage(exchange, vendor),
      },
      {
        endpoint: 'token',
        methods: ['POST', 'GET'],
        path: `${basePath}/login/oauth/access_token`,
        respond: (exchange) => token(exchange, vendor),
      },
      ...githubApi(vendor, apiRoot(vendor)),
      ...tokenManagement(vendor, apiRoot(vendor)),
    ]
  },
}

function apiRoot({ settings: { ghes, basePath } }: Vendor): string {
  return ghes || basePath ? `${basePath}/api/v3` : ''
}

function authorizePage(exchange: Exchange, vendor: Vendor): VendorResponse {
  const issuer = vendor.settings.ghes
    ? vendor.url('/login/oauth')
    : 'https://github.com/login/oauth'
  return authorize(withDefaults(exchange, vendor), vendor, {
    issuer,
    prompts: ['select_account'],
    redirectsToRegistered: true,
    ...(vendor.settings.pkce ? { challengeMethods: ['S256'] } : {}),
  })
}

/** GitHub has no parameter `response_type`, and `redirect_uri` is optional. */
function withDefaults(exchange: Exchange, { settings }: Vendor): Exchange {
  const params = new URLSearchParams(exchange.params)
  params.set('response_type', 'code')
  const [first] = settings.redirectUris
  if (!params.has('redirect_uri') && first !== undefined) params.set('redirect_uri', first)
  return { ...exchange, params }
}

async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  const { githubApp, pkce } = vendor.settings
  const outcome = await redeem(exchange, vendor, {
    accessTokenPrefix: githubApp ? 'ghu_' : 'gho_',
    refreshTokenPrefix: 'ghr_',
    redirectUri: { code: false },
    ignoresPkce: !pkce,
    defaultChallengeMethod: 'S256',
    neverExpires: !githubApp,
    hasRefreshToken: () => githubApp,
    refreshEndsAccessTokens: true,
  })
  if (outcome.error) return respond(exchange, failure(outcome))
  const body = {
    ...tokenResponse(outcome),
    ...(githubApp ? { refresh_token_expires_in: 15_897_600 } : {}),
    scope: githubApp ? '' : normalizedScopes(outcome.grant.scopes).join(','),
    token_type: 'bearer',
  }
  return respond(exchange, body)
}

/** Form-encoded, unless the client requests JSON. Errors have status 200. */
function respond(
  { request }: Exchange,
  body: Record<string, string | number | undefined>,
): VendorResponse {
  return String(request.headers.accept).includes('application/json')
    ? json(200, body)
    : form(200, body)
}

function failure({ error, grantType }: TokenFailure) {
  const guide =
    'https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/'
  const problem = (code: string, description: string) => ({
    error: code,
    error_description: description,
    error_uri: `${guide}#${code}`,
  })
  if (error === 'invalid_client')
    return problem(
      'incorrect_client_credentials',
      'The client_id and/or client_secret passed are incorrect.',
    )
  if (error === 'redirect_uri_mismatch')
    return problem(
      error,
      'The redirect_uri MUST match the registered callback URL for this application.',
    )
  if (error === 'unsupported_grant_type') return problem(error, 'The grant_type is not supported.')
  if (grantType === 'refresh_token')
    return problem('bad_refresh_token', 'The refresh token passed is incorrect or expired.')
  return problem('bad_verification_code', 'The code passed is incorrect or expired.')
}
