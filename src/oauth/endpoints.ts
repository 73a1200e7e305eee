/** URLs of a provider; those of the server metadata (RFC 8414, 2) and `api`. */
export interface Endpoints {
  /**
   * The issuer identifier: not an endpoint, but the base of discovery. (OpenID Connect Discovery
   * 1.0, 4)
   */
  issuer: string
  /** Authorization endpoint. (RFC 6749, 3.1) */
  authorization: string
  /** Token endpoint. (RFC 6749, 3.2) */
  token: string
  /** Userinfo endpoint. (OpenID Connect Core, 5.3) */
  userinfo: string
  /** Base URL of the provider's own API; paths are appended to it. */
  api: string
  /** JSON Web Key Set with the keys of ID tokens. (RFC 7517, 5) */
  jwks: string
  /** Revocation endpoint. (RFC 7009, 2) */
  revocation: string
  /** End session endpoint. (OpenID Connect RP-Initiated Logout 1.0, 2) */
  endSession: string
}

/**
 * How the client authenticates at the token endpoint: `client_secret_post`, `client_secret_basic`
 * (RFC 6749, 2.3.1), `private_key_jwt` (RFC 7523, 2.2) or, for a public client, not at all.
 */
export type ClientAuth = 'post' | 'basic' | 'private_key_jwt' | 'none'

/**
 * How the provider returns the response to an authorization request: in the query of the redirect
 * URI (RFC 6749, 4.1.2), or as a form that its page posts there (OAuth 2.0 Form Post Response
 * Mode).
 */
export type ResponseMode = 'query' | 'form_post'
