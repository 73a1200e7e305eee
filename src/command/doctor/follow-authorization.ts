import type { AuthorizationRequest } from './authorization-request.js'
import { NAVIGATION, probe } from './probe.js'

/** Where an authorization request without cookies has led. */
export type Outcome =
  /** To the redirect URI, with the parameters of the response. */
  | { readonly kind: 'callback'; readonly params: URLSearchParams }
  /** To another address of the app, with or without a response. */
  | { readonly kind: 'elsewhere'; readonly url: URL; readonly isCertain: boolean }
  /** To a page of the provider. */
  | ({ readonly kind: 'page' } & ProviderPage)
  | { readonly kind: 'failed'; readonly failure: unknown; readonly url: string }

/** A page of the provider. */
export interface ProviderPage {
  readonly status: number
  readonly body: string
  readonly url: URL
  /** Whether it is the response to the authorization request itself. */
  readonly isDirect: boolean
}

const REDIRECTS = [301, 302, 303, 307, 308]
const MAX_REDIRECTS = 6

/** Follows the redirects of the provider, but never requests an address of the app. */
export async function followAuthorization(
  { url, state }: AuthorizationRequest,
  redirectUri: string,
): Promise<Outcome> {
  let current = new URL(url)
  for (let count = 0; ; count++) {
    const response = await probe(current.href, { headers: NAVIGATION })
    if (response.failure !== undefined)
      return { kind: 'failed', failure: response.failure, url: current.href }
    const { status, headers, body } = response
    const page = { status, body, url: current, isDirect: count === 0 }
    const location = headers.get('location')
    const isRedirect = REDIRECTS.includes(status) && location !== null
    if (!isRedirect || !URL.canParse(location, current.href) || count === MAX_REDIRECTS)
      return postedResponse(body, redirectUri) ?? { kind: 'page', ...page }
    const next = new URL(location, current)
    const end = endAt(next, current, redirectUri, state) ?? lostAt(next, current)
    if (end !== undefined) return end
    if (!/^https?:$/.test(next.protocol)) return { kind: 'page', ...page }
    current = next
  }
}

/** Whether a redirect leads to the app; `undefined` if it leads to another page of the provider. */
function endAt(next: URL, current: URL, redirectUri: string, state: string): Outcome | undefined {
  const expected = new URL(redirectUri)
  const params = next.searchParams
  if (next.origin === expected.origin && next.pathname === expected.pathname)
    return { kind: 'callback', params }
  // App and provider may share an origin.
  const isOurs = next.origin === expected.origin && next.origin !== current.origin
  // Some providers return to a registered address instead, with an error or without any parameter.
  // Their own login pages have the parameters of the request as well, among them `redirect_uri`.
  const isResponse =
    params.get('state') === state &&
    (params.has('error') || params.has('code')) &&
    !params.has('redirect_uri')
  return isOurs || isResponse ? { kind: 'elsewhere', url: next, isCertain: true } : undefined
}

/**
 * Whether a redirect leaves the provider without any parameter: then the request is lost, as when a
 * provider sends users to the registered address of the app. The login page of another host has
 * parameters.
 */
function lostAt(next: URL, current: URL): Outcome | undefined {
  const isSameSite = siteOf(next) === siteOf(current)
  return isSameSite || next.search !== ''
    ? undefined
    : { kind: 'elsewhere', url: next, isCertain: false }
}

/** About the registrable domain: hosts of one provider share it. */
function siteOf({ hostname }: URL): string {
  return hostname.split('.').slice(-2).join('.')
}

/** The response in a form that the page posts. (OAuth 2.0 Form Post Response Mode) */
function postedResponse(body: string, redirectUri: string): Outcome | undefined {
  const isPosted = body.includes(`action="${redirectUri}"`)
  if (!isPosted) return undefined
  const params = new URLSearchParams()
  for (const name of ['error', 'error_description', 'code']) {
    const value = fieldOf(body, name)
    if (value !== undefined) params.set(name, value)
  }
  return { kind: 'callback', params }
}

function fieldOf(body: string, name: string): string | undefined {
  const [, after] = body.split(`name="${name}" value="`, 2)
  return after?.split('"', 1)[0]
}
