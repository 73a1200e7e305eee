export type ClientAuthMethod =
  'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none'

export interface AuthorizationRefusal {
  error: string
  error_description?: string
  error_reason?: string
}

/** The vendor's quirks. Change them while the server runs. Those of other vendors have no effect. */
export interface VendorSettings {
  /** Seconds. */
  codeLifetime: number
  /** Seconds; also what `expires_in` says. `undefined`: the tokens do not expire, and `expires_in` is absent. */
  tokenLifetime: number | undefined
  idTokenLifetime: number
  /** Characters of an access or refresh token. */
  tokenLength: number
  refreshTokens: boolean
  rotateRefreshTokens: boolean
  /** `iss` in the callback (RFC 9207): `true` for the vendor's own, a string for another. */
  issInCallback: boolean | string
  /** Registered redirect URIs. Empty: any absolute one. */
  redirectUris: string[]
  /** Refuses every authorization request with this. */
  refuse: AuthorizationRefusal | undefined
  /** The user grants only these of the scopes asked for. */
  grantedScopes: string[] | undefined
  /** Whether a page asks who is signing in; by default when there are several users. */
  personaPage: boolean | undefined
  /** Signs nobody in again, whatever `prompt` and `max_age` say. */
  ignoreReauthentication: boolean
  /** Answers of the API say that there were too many requests, in the vendor's own way. */
  throttled: boolean
  /** What client authentication the token endpoint takes. */
  clientAuth: ClientAuthMethod[]
  /** A `code_verifier` at the token endpoint is an `invalid_client`. */
  refuseCodeVerifier: boolean
  /** GitHub, GitLab: where the instance is mounted, `/gitlab` for example. */
  basePath: string
  /** GitHub: tokens expire after 8 hours, refresh tokens rotate. */
  githubApp: boolean
  /** GitHub: Enterprise Server, with its API under `/api/v3`. */
  ghes: boolean
  /** GitHub: knows PKCE. Old Enterprise Servers do not. */
  pkce: boolean
  /** GitHub: every page is full and has a next one. */
  endlessPages: boolean
  /** GitHub, Microsoft: the origin in the link to the next page. */
  nextPageOrigin: string | undefined
  /** Google: the ID token's issuer has no scheme. */
  schemelessIssuer: boolean
  /** Microsoft: what the app is registered for. */
  tenant: string
  /** Microsoft: the groups are too many for the token. */
  groupsOverage: boolean
  /** Microsoft: a JWKS key's `issuer` is this. */
  keyIssuer: string | undefined
  /** Facebook: API calls need `appsecret_proof`. */
  proofRequired: boolean
  /** Generic OIDC: authorization requests must be pushed first (RFC 9126). */
  parRequired: boolean
  /** Generic OIDC: userinfo is a signed JWT. */
  userinfoJwt: boolean
  /** Generic OIDC. */
  signingAlg: 'RS256' | 'ES256'
  /** Generic OIDC: the client's public key, for `private_key_jwt`. */
  clientKey: Record<string, unknown> | undefined
  /** Laid over the discovery document; `undefined` deletes. */
  discovery: Record<string, unknown>
}

/** Where a profile says nothing else. */
export const defaultSettings: VendorSettings = {
  codeLifetime: 600,
  tokenLifetime: 3600,
  idTokenLifetime: 3600,
  tokenLength: 40,
  refreshTokens: true,
  rotateRefreshTokens: false,
  issInCallback: false,
  redirectUris: [],
  refuse: undefined,
  grantedScopes: undefined,
  personaPage: undefined,
  ignoreReauthentication: false,
  throttled: false,
  clientAuth: ['client_secret_post', 'client_secret_basic'],
  refuseCodeVerifier: false,
  basePath: '',
  githubApp: false,
  ghes: false,
  pkce: true,
  endlessPages: false,
  nextPageOrigin: undefined,
  schemelessIssuer: false,
  tenant: 'common',
  groupsOverage: false,
  keyIssuer: undefined,
  proofRequired: false,
  parRequired: false,
  userinfoJwt: false,
  signingAlg: 'RS256',
  clientKey: undefined,
  discovery: {},
}
