import type { Claims } from './identity.js'

/** One request to the provider's API. */
export interface ApiRequest {
  /** Added to `Accept: application/json`, `User-Agent` and `Authorization: Bearer`. */
  headers?: Readonly<Record<string, string>>
  /** Default `'GET'`. */
  method?: 'GET' | 'DELETE'
  /** Sent as JSON. */
  body?: unknown
}

/** A response of the provider's API, the userinfo endpoint or the token endpoint. */
export interface ApiResponse {
  status: number
  headers: Headers
  /**
   * The parsed JSON, or `undefined` if the body is not JSON. A JWT (`application/jwt`) is a string.
   */
  body: unknown
}

/**
 * Reads the user from the provider: the argument of the hooks of a {@link ProviderDefinition}.
 * Works when destructured. All requests together must end within the option `timeouts.provider`;
 * after that `signal` aborts. Every method rejects with an `OAuthError`, which hooks do not need to
 * catch.
 */
export interface ProviderApi {
  /** The user's access token. Expires, and must not be logged. */
  readonly accessToken: string
  /**
   * Claims of the verified ID token. At a re-check without a new ID token only those that still
   * hold: `iss`, `sub`, `tid`, `oid`, `sid`, `auth_time`, `acr`, `amr`. Empty without OpenID
   * Connect.
   */
  readonly claims: Claims
  /** Granted scopes. */
  readonly scopes: readonly string[]
  /** The token response, with the vendor's own members. (RFC 6749, 5.1) */
  readonly tokens: Claims
  /**
   * Parameters that the provider adds to the authorization response, such as Apple's `user`. They
   * come through the browser, where users can change them: nothing that decides who may pass may
   * depend on them. Empty at re-checks.
   */
  readonly callbackParams: Readonly<Record<string, string>>
  /** Credentials of the client. `secret` is `undefined` for a public client. */
  readonly client: {
    /** The `client_id`. */
    readonly id: string
    /** The `client_secret`, or the private key. */
    readonly secret: string | undefined
  }
  /** Aborts when the time for reading the user is up. Pass it to your own `fetch()`. */
  readonly signal: AbortSignal
  /**
   * Warns the owner in the log, once per message. Neither the message nor `facts` may contain
   * secrets or text that users control.
   */
  readonly warn: (message: string, facts?: Readonly<Record<string, unknown>>) => void
  /**
   * The userinfo response, merged over `claims`. Its `sub` must be that of the ID token, and a
   * signed response is verified. `params` are added to the query. Without a userinfo endpoint: the
   * claims of the new ID token. (OpenID Connect Core, 5.3)
   */
  readonly userinfo: (params?: Readonly<Record<string, string>>) => Promise<Claims>
  /** The JSON of a path below `endpoints.api`. Rejects unless the status is 2xx. */
  readonly api: (path: string, request?: ApiRequest) => Promise<unknown>
  /**
   * The entries of all pages of a JSON array, or of `{ value: [] }` (OData); follows `Link:
   * rel="next"` (RFC 8288) and `@odata.nextLink` on the origin of the API. `undefined` if there are
   * more than 100 pages. `onPage` is called with the entries of each page, also of those before one
   * that fails.
   */
  readonly apiList: (
    path: string,
    onPage?: (entries: readonly unknown[]) => void,
  ) => Promise<readonly unknown[] | undefined>
  /**
   * The whole response to a path below `endpoints.api`. Rejects unless the status is 2xx or one of
   * `statuses`.
   */
  readonly apiResponse: (
    path: string,
    statuses: readonly number[],
    request?: ApiRequest,
  ) => Promise<ApiResponse>
}
