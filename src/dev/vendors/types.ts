import type { VendorSettings } from './settings.js'
import type { VendorUser } from './users.js'

export type * from './users.js'

/** The vendors, and two generic providers. */
export type VendorName =
  | 'github'
  | 'google'
  | 'microsoft'
  | 'gitlab'
  | 'facebook'
  | 'linkedin'
  | 'twitch'
  | 'amazon'
  | 'oidc'
  | 'oauth2'

/** The endpoint of a recorded request. Each vendor has only some of these. */
export type VendorEndpoint =
  | 'discovery'
  | 'jwks'
  | 'authorize'
  | 'par'
  | 'token'
  | 'userinfo'
  | 'revocation'
  | 'endSession'
  | 'validate'
  | 'user'
  | 'emails'
  | 'orgs'
  | 'teams'
  | 'memberships'
  | 'teamMembership'
  | 'application'
  | 'permissions'
  | 'tokeninfo'
  | 'groups'
  | 'unknown'

/** A request that the server has received. */
export interface VendorRequest {
  endpoint: VendorEndpoint
  method: string
  /** The path and the query, unchanged. */
  url: string
  query: URLSearchParams
  headers: Record<string, string | string[] | undefined>
  /** Names and values in the order received, including duplicates. */
  rawHeaders: string[]
  /** The fields of a form body. */
  form?: Record<string, string>
  body: string
  /** The status code of the response; `undefined` until it is sent. */
  status?: number
}

/** A response in place of the vendor's own. Default: status 200, no headers, no body. */
export interface VendorResponse {
  status?: number
  headers?: Record<string, string>
  /** A string is sent unchanged, anything else as JSON. */
  body?: unknown
}

/**
 * A failure below HTTP: no response, a reset connection, a body that never ends, a body that is
 * shorter than its `Content-Length`, or a body of 64 MiB.
 */
export type VendorFault = 'hang' | 'reset' | 'slow-body' | 'truncated' | 'huge-body'

/** A response or a failure, or a function that returns one for some requests. */
export type VendorOverride =
  | VendorResponse
  | VendorFault
  | ((
      request: VendorRequest,
    ) =>
      VendorResponse | VendorFault | undefined | Promise<VendorResponse | VendorFault | undefined>)

/** Claims to merge into ID tokens, or a function that replaces all claims. */
export type ClaimsOverride =
  Record<string, unknown> | ((claims: Record<string, unknown>) => Record<string, unknown>)

/** An invalid signature or key ID of ID tokens. */
export type SigningFault =
  | 'none'
  | 'HS256-secret'
  | 'HS256-public-key'
  | 'wrong-key'
  | 'unknown-kid'
  | 'no-kid'
  | 'bad-signature'

/** Options of `startVendor()`. */
export interface VendorOptions {
  /** The accounts at the provider; the first one is signed in. Default: one account. */
  users?: VendorUser[]
  /** Default: `dev-client`. */
  clientId?: string
  /** Default: `dev-client-secret`. */
  clientSecret?: string
  /** How the vendor behaves. Default: as the vendor does. */
  settings?: Partial<VendorSettings>
  /** The port on 127.0.0.1. Default: a free one. */
  port?: number
}

/** A provider on this machine that simulates a vendor. */
export interface VendorServer {
  /** The simulated vendor. */
  readonly vendor: VendorName
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string
  /** May be changed while the server runs. */
  clientId: string
  /** May be changed while the server runs. */
  clientSecret: string
  /** The options of this provider for `oauthModule()`. */
  readonly options: Record<string, unknown>
  /**
   * The user who is signed in at the provider. Assigning one of `users` signs in that user.
   * Assigning another object replaces the user, also for tokens that were issued before.
   */
  user: VendorUser
  /** With several users, the authorization endpoint shows a page to choose one. */
  readonly users: VendorUser[]
  /** May be changed while the server runs. */
  readonly settings: VendorSettings
  /** All requests, oldest first. Clear them with `requests.length = 0`. */
  readonly requests: VendorRequest[]
  /**
   * Sets the response of an endpoint, or of all with `'*'`. `undefined` removes it. Returns a
   * function that removes it.
   */
  respond(
    endpoint: VendorEndpoint | '*',
    response: VendorOverride | undefined,
    options?: { once?: boolean },
  ): () => void
  /**
   * Changes claims, header or signature of the next ID tokens. Without arguments, ends the change.
   */
  claims(
    claims?: ClaimsOverride,
    how?: { header?: Record<string, unknown>; signing?: SigningFault; once?: boolean },
  ): void
  /** Replaces the signing key, also in the key set. */
  rotateKeys(): void
  /** Revokes all tokens, or those of one user. */
  revokeTokens(user?: VendorUser): void
  /** Ends all connections and the server. */
  close(): Promise<void>
}
