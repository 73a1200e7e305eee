import type { VendorSettings } from './settings.js'
import type { Grants } from './grants.js'
import type { IdTokens } from './id-tokens.js'
import type {
  VendorResponse,
  VendorEndpoint,
  VendorName,
  VendorRequest,
  VendorServer,
  VendorUser,
} from './types.js'

/** What a profile sees of the running server. */
export interface Vendor extends Pick<
  VendorServer,
  'origin' | 'clientId' | 'clientSecret' | 'settings' | 'users' | 'user'
> {
  grants: Grants
  idTokens: IdTokens
  /** Returns the URL of a path below the server's origin and base path. */
  url: (path: string) => string
  /** Returns when the user signed in, in seconds. With `again`, the user signs in now. */
  signIn(userIndex: number, again: boolean): number
  /** Pushed authorization requests (RFC 9126) by their `request_uri`. */
  pushedRequests: Map<string, { params: URLSearchParams; expiresAt: number }>
  /** Whether a JWT with this `jti` is used for the first time. */
  isFirstUse(jti: string): boolean
}

/** One request to a profile. */
export interface Exchange {
  request: VendorRequest
  /** The named segments of the route's path. */
  path: Record<string, string>
  /** The query, or the form of a POST request. */
  params: URLSearchParams
}

/** One endpoint of a vendor. */
export interface Route {
  endpoint: VendorEndpoint
  methods: readonly string[]
  /** `{name}` matches one segment. */
  path: string
  respond(exchange: Exchange): VendorResponse | Promise<VendorResponse>
}

/** A simulated vendor as data: how it differs from the others. */
export interface Profile {
  name: VendorName
  settings?: Partial<VendorSettings>
  users: VendorUser[]
  /** The provider options of `oauthModule()` for this server. */
  options(vendor: Vendor): Record<string, unknown>
  /** Called for each request, so that changed settings take effect immediately. */
  routes(vendor: Vendor): Route[]
}

/** Adds the claims that a test has set for the user. */
export function withClaims(
  user: VendorUser,
  claims: Record<string, unknown>,
): Record<string, unknown> {
  return { ...claims, ...user.claims }
}

/** The token of the `Authorization` header, if it has one of these schemes. */
export function bearerToken(
  request: VendorRequest,
  schemes: readonly string[] = ['bearer'],
): string | undefined {
  const [scheme = '', token] = String(request.headers.authorization ?? '').split(' ')
  return schemes.includes(scheme.toLowerCase()) ? token : undefined
}
