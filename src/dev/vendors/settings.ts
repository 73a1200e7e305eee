import type { SigningAlg } from './keys.js'

/** A method of client authentication (OpenID Connect Core 1.0, section 9). */
export type ClientAuthMethod =
  'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none'

/** The parameters of an authorization error response (RFC 6749, section 4.1.2.1). */
export interface AuthorizationRefusal {
  error: string
  error_description?: string
  error_reason?: string
}

/**
 * How the vendor behaves. May be changed while the server runs. The settings of other vendors have
 * no effect.
 */
export interface VendorSettings {
  /** The lifetime of authorization codes, in seconds. Default: 600. */
  codeLifetime: number
  /**
   * The lifetime of access tokens and the value of `expires_in`, in seconds. `undefined`: they
   * never expire.
   */
  tokenLifetime: number | undefined
  /** The lifetime of ID tokens, in seconds. Default: 3600. */
  idTokenLifetime: number
  /** Characters of an access or refresh token. */
  tokenLength: number
  /** Whether the vendor issues refresh tokens. */
  refreshTokens: boolean
  /** Whether a refresh returns a new refresh token and revokes the old one. */
  rotateRefreshTokens: boolean
  /** Whether the redirect has `iss` (RFC 9207). A string replaces the vendor's own value. */
  issInCallback: boolean | string
  /** Fields that a posted response has in addition, such as Apple's `user`. */
  formFields: Record<string, string>
  /** The registered redirect URIs. Empty: any absolute URI is accepted. */
  redirectUris: string[]
  /**
   * The response to a redirect URI that is not registered: an error page, or a redirect to the first
   * registered one, with an `error` or without parameters. Default: that of the vendor.
   */
  mismatch: 'page' | 'error' | 'home' | undefined
  /** Rejects every authorization request with this error. */
  refuse: AuthorizationRefusal | undefined
  /** The user grants only these of the requested scopes. Default: all. */
  grantedScopes: string[] | undefined
  /** Whether a page asks which user signs in. Default: if there are several users. */
  personaPage: boolean | undefined
  /** Never asks the user to sign in again, regardless of `prompt` and `max_age`. */
  ignoreReauthentication: boolean
  /** Generic providers, Microsoft: granted scopes that token responses do not list. */
  unlistedScopes: string[]
  /** The API responds with the vendor's error for too many requests. */
  throttled: boolean
  /** The client authentication methods that the token endpoint accepts. */
  clientAuth: ClientAuthMethod[]
  /** The token endpoint compares Basic credentials without decoding them, as LemonLDAP::NG does. */
  rawBasic: boolean
  /** The token endpoint responds to a `code_verifier` with `invalid_client`. */
  refuseCodeVerifier: boolean
  /** GitHub, GitLab: the path of the instance, such as `/gitlab`. */
  basePath: string
  /**
   * The origin of the issuer, of the discovery document and of `options`. Default: that of the
   * server.
   */
  publicOrigin: string | undefined
  /** GitHub: tokens expire after 8 hours, refresh tokens rotate. */
  githubApp: boolean
  /** GitHub: Enterprise Server, with its API under `/api/v3`. */
  ghes: boolean
  /** GitHub: supports PKCE. Old Enterprise Servers do not. */
  pkce: boolean
  /** GitHub: every page of a list is full and links to a next page. */
  endlessPages: boolean
  /** GitHub, Microsoft: the origin in the link to the next page. */
  nextPageOrigin: string | undefined
  /** Google: the ID token's issuer has no scheme. */
  schemelessIssuer: boolean
  /** Microsoft: the tenant that the app is registered for. */
  tenant: string
  /** Microsoft: the user has too many groups for the token. */
  groupsOverage: boolean
  /** Microsoft: the `issuer` of the keys in the key set. */
  keyIssuer: string | undefined
  /** Facebook: API calls need `appsecret_proof`. */
  proofRequired: boolean
  /** Generic OIDC: authorization requests must be pushed first (RFC 9126). */
  parRequired: boolean
  /** Generic OIDC: the supported values of `prompt`. Any other is an error. */
  prompts: string[]
  /** Generic OIDC: a refresh returns a new ID token. */
  refreshesIdToken: boolean
  /** Generic OIDC: userinfo is a signed JWT. */
  userinfoJwt: boolean
  /** Generic OIDC: the algorithm of ID tokens. `HS256` signs with the client secret. */
  signingAlg: SigningAlg | 'HS256'
  /** Generic OIDC: the client's public key, for `private_key_jwt`. */
  clientKey: Record<string, unknown> | undefined
  /** Merged into the discovery document. `undefined` removes a member. */
  discovery: Record<string, unknown>
}

/** The settings of a profile that does not set them. */
export const defaultSettings: VendorSettings = {
  codeLifetime: 600,
  tokenLifetime: 3600,
  idTokenLifetime: 3600,
  tokenLength: 40,
  refreshTokens: true,
  rotateRefreshTokens: false,
  issInCallback: false,
  formFields: {},
  redirectUris: [],
  mismatch: undefined,
  refuse: undefined,
  grantedScopes: undefined,
  unlistedScopes: [],
  personaPage: undefined,
  ignoreReauthentication: false,
  throttled: false,
  clientAuth: ['client_secret_post', 'client_secret_basic'],
  rawBasic: false,
  refuseCodeVerifier: false,
  basePath: '',
  publicOrigin: undefined,
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
  prompts: ['none', 'login', 'consent', 'select_account'],
  refreshesIdToken: true,
  userinfoJwt: false,
  signingAlg: 'RS256',
  clientKey: undefined,
  discovery: {},
}
