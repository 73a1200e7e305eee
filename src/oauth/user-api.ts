import { OAuthError, ProviderError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import type { ClientConfig } from './client-config.js'
import { apiError } from './provider-errors.js'
import { type JwtExpectations, verifyJwt } from './id-token.js'
import type { ServerMetadataCache, ServerMetadata } from './metadata.js'
import { type ProviderFetch, readJson } from './fetch.js'
import type { Claims } from './identity.js'
import type { ApiResponse, ApiRequest, ProviderApi } from './provider-api.js'

const MAX_PAGES = 100

/** What a user is read with. */
export interface ApiGrant {
  accessToken: string
  /** Of the ID token, as far as they still hold. */
  claims: Claims
  /** Whether `claims` are of a new ID token, and so can stand in for userinfo where there is none. */
  hasFreshClaims: boolean
  /** Whether it is for a login: strangers can begin those, so they wait in a line of their own. */
  isLogin: boolean
  scopes: readonly string[]
  /** The `sub` that userinfo must name. */
  subject: string | undefined
  /** The token answer, for profile functions of one's own. */
  tokens: Claims
}

interface SourceConfig extends ApiGrant {
  provider: ClientConfig
  outbound: ProviderFetch
  /** When all that is read with this source must be there. */
  end: AbortSignal
  server: ServerMetadataCache
  expectations(metadata: ServerMetadata): JwtExpectations
}

/** Reads userinfo and APIs with the user's access token. */
export function createProviderApi({
  provider,
  accessToken,
  claims,
  hasFreshClaims,
  scopes,
  subject,
  tokens,
  outbound,
  end,
  server,
  expectations,
}: SourceConfig): ProviderApi {
  const request = async (
    url: string,
    { headers, method = 'GET', body }: ApiRequest = {},
  ): Promise<ApiResponse> => {
    const sent = new Headers({
      accept: 'application/json',
      'user-agent': 'oauth-module',
      authorization: `Bearer ${accessToken}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    })
    const response = await outbound(url, {
      method,
      headers: sent,
      deadline: end,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const isJwt = /^application\/jwt\b/i.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      body: isJwt ? await response.text() : await readJson(response),
    }
  }
  const checked = (
    answer: ApiResponse,
    what: string,
    statuses: readonly number[] = [],
  ): ApiResponse => {
    const isOk = answer.status >= 200 && answer.status < 300
    if (!isOk && !statuses.includes(answer.status)) throw apiError(answer, provider, what)
    if (isOk && answer.body === undefined && answer.status !== 204)
      throw new ProviderError('down', 'provider_error', {
        hint: `${what} answered with something else than JSON`,
      })
    return answer
  }
  const apiUrl = async (path: string): Promise<string> => {
    const { endpoints } = await server.metadata(end)
    if (endpoints.api === undefined)
      throw new OAuthError('misconfigured', { hint: 'the provider has no endpoint api' })
    return `${endpoints.api.replace(/\/$/, '')}${path}`
  }
  const apiResponse: ProviderApi['apiResponse'] = async (path, statuses, init) =>
    checked(await request(await apiUrl(path), init), `the API (${path.split('?')[0]})`, statuses)

  return {
    accessToken,
    claims,
    scopes,
    tokens,
    client: { id: provider.clientId, secret: provider.clientSecret },
    signal: end,
    apiResponse,
    api: async (path, init) => (await apiResponse(path, [], init)).body,
    async userinfo(params = {}) {
      const metadata = await server.metadata(end)
      if (metadata.endpoints.userinfo === undefined) {
        if (hasFreshClaims) return claims
        throw new ProviderError('ended', 'login_required', {
          hint: 'there is neither userinfo nor a new ID token to read the user from',
        })
      }
      const url = new URL(metadata.endpoints.userinfo)
      for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
      const { body } = checked(await request(url.href), 'userinfo')
      // Signed userinfo. (OpenID Connect Core, 5.3.2)
      const info =
        typeof body === 'string'
          ? await verifyJwt(body, server.keySet(end), {
              ...expectations(metadata),
              requiresIssuedAt: false,
            })
          : body
      if (!isObject(info))
        throw new ProviderError('down', 'provider_error', { hint: 'userinfo is no JSON object' })
      if (subject !== undefined && info['sub'] !== subject)
        throw new ProviderError('ended', 'provider_error', {
          hint: 'userinfo is about another sub than the ID token',
        })
      return { ...claims, ...info }
    },
    async apiList(path) {
      const entries: unknown[] = []
      let url: string | undefined = await apiUrl(
        `${path}${path.includes('?') ? '&' : '?'}per_page=100`,
      )
      const { origin } = new URL(url)
      for (let page = 0; page < MAX_PAGES; page++) {
        const { headers, body }: ApiResponse = checked(await request(url), `the API (${path})`)
        if (!Array.isArray(body))
          throw new ProviderError('down', 'provider_error', {
            hint: `the API (${path}) answered with no list`,
          })
        entries.push(...body)
        url = nextPage(headers.get('link'), url)
        // Another origin must not receive the token: what it would add is not known.
        if (url === undefined || new URL(url).origin !== origin) return entries
      }
      return undefined
    },
  }
}

/** The target of `Link: <…>; rel="next"`. (RFC 8288, 3) */
function nextPage(link: string | null, base: string): string | undefined {
  for (const part of (link ?? '').split(/,\s*(?=<)/)) {
    const match = /^\s*<([^>]*)>\s*;.*\brel="?next"?/i.exec(part)
    if (match?.[1] !== undefined && URL.canParse(match[1], base))
      return new URL(match[1], base).href
  }
  return undefined
}
