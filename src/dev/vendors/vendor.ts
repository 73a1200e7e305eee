import type { VendorSettings } from './settings.js'
import type { Grants } from './grants.js'
import type { IdTokens } from './id-tokens.js'
import type {
  VendorAnswer,
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
  /** The URL under the server's origin and base path. */
  url(path: string): string
  /** When the user in this place signed in, in seconds; `again` makes that now. */
  signIn(place: number, again: boolean): number
  /** Authorization requests that were pushed (RFC 9126), by their `request_uri`. */
  pushedRequests: Map<string, { params: URLSearchParams; expiresAt: number }>
  /** Whether nobody used this JWT before. */
  isFirstUse(jti: string): boolean
}

/** One request on its way through a profile. */
export interface Exchange {
  request: VendorRequest
  /** What the route's pattern took out of the path. */
  path: Record<string, string>
  /** Query, or the form of a POST. */
  params: URLSearchParams
}

export interface Route {
  endpoint: VendorEndpoint
  methods: readonly string[]
  /** `{name}` stands for one segment. */
  path: string
  answer(exchange: Exchange): VendorAnswer | Promise<VendorAnswer>
}

/** How one vendor differs from the others. */
export interface Profile {
  name: VendorName
  settings?: Partial<VendorSettings>
  users: VendorUser[]
  options(vendor: Vendor): Record<string, unknown>
  /** Asked anew at every request, so that changed settings count at once. */
  routes(vendor: Vendor): Route[]
}

/** The user as claims, with what a test laid over them. */
export function withClaims(
  user: VendorUser,
  claims: Record<string, unknown>,
): Record<string, unknown> {
  return { ...claims, ...user.claims }
}

/** The access token of `Authorization`, under any of these schemes. */
export function bearerToken(
  request: VendorRequest,
  schemes: readonly string[] = ['bearer'],
): string | undefined {
  const [scheme = '', token] = String(request.headers.authorization ?? '').split(' ')
  return schemes.includes(scheme.toLowerCase()) ? token : undefined
}
