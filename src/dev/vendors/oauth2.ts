import { json, oauthError } from './responses.js'
import { authorize } from './authorize.js'
import { asCaller, revocation } from './endpoints.js'
import { redeem, listedScopes, standardError, tokenResponse } from './token.js'
import type { VendorResponse, VendorUser } from './types.js'
import { withClaims, type Exchange, type Profile, type Vendor } from './vendor.js'

/** A plain OAuth 2.0 server (RFC 6749) with its own profile endpoint `/me`. */
export const oauth2: Profile = {
  name: 'oauth2',
  settings: { rotateRefreshTokens: true },
  users: [
    {
      id: 'u-77',
      username: 'pat',
      name: 'Pat Moreau',
      email: 'pat@acme.example',
      emailVerified: true,
      picture: 'https://pictures.example/pat.png',
    },
  ],
  options: ({ url }) => ({
    authorizationUrl: url('/authorize'),
    tokenUrl: url('/token'),
    userinfoUrl: url('/me'),
  }),
  routes(vendor) {
    const { basePath } = vendor.settings
    return [
      {
        endpoint: 'authorize',
        methods: ['GET'],
        path: `${basePath}/authorize`,
        respond: (exchange) =>
          authorize(exchange, vendor, {
            supportsFormPost: true,
            scopeSeparator: /[ ,]+/,
            challengeMethods: ['S256', 'plain'],
            issuer: vendor.url(''),
          }),
      },
      {
        endpoint: 'token',
        methods: ['POST'],
        path: `${basePath}/token`,
        respond: (exchange) => token(exchange, vendor),
      },
      revocation(`${basePath}/revoke`, vendor),
      {
        endpoint: 'userinfo',
        methods: ['GET'],
        path: `${basePath}/me`,
        respond: (exchange) => asCaller(exchange, vendor, ({ user }) => json(200, profile(user))),
      },
    ]
  },
}

async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  const outcome = await redeem(exchange, vendor, {})
  if (outcome.error) {
    const { status, error } = standardError(outcome)
    return oauthError(status, error, outcome.description)
  }
  return json(200, {
    ...tokenResponse(outcome),
    token_type: 'Bearer',
    scope: listedScopes(outcome.grant.scopes, vendor).join(' '),
  })
}

function profile(user: VendorUser): Record<string, unknown> {
  return withClaims(user, {
    user_id: user.id,
    nickname: user.username,
    name: user.name,
    email: user.email,
    email_verified: user.emailVerified,
    picture: user.picture,
  })
}
