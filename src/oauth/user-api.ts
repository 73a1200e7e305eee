import { OAuthError, ProviderError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import type { ClientConfig } from './client-config.js'
import { describeResponse } from './describe-response.js'
import type { ProviderFetch } from './fetch.js'
import type { Claims } from './identity.js'
import { jwtExpectations, verifyJwt } from './jwt.js'
import type { ServerMetadataCache } from './metadata.js'
import type { ApiRequest, ApiResponse, ProviderApi } from './provider-api.js'
import { entriesOf, nextPage, withPageSize } from './api-pages.js'
import { apiError } from './provider-errors.js'
import type { ProviderLog } from './provider-log.js'
import { readJsonOrJwt } from './response-body.js'
import { mergeUserinfo } from './userinfo.js'

const MAX_PAGES = 100

/** What the provider granted: tokens, claims and scopes. */
export interface ApiGrant {
  accessToken: string
  /** Claims of the ID token that are still true. */
  claims: Claims
  /**
   * Whether `claims` are those of a new ID token, and may replace userinfo if there is no such
   * endpoint.
   */
  hasFreshClaims: boolean
  /** Whether requests use the queue of logins. */
  isLogin: boolean
  scopes: readonly string[]
  /** The expected `sub` of userinfo; `undefined` without an ID token. */
  subject: string | undefined
  /** The token response. */
  tokens: Claims
  /** The provider's own parameters of the authorization response. */
  callbackParams?: Readonly<Record<string, string>>
}

interface UserApiDeps {
  grant: ApiGrant
  log: ProviderLog
  config: ClientConfig
  server: ServerMetadataCache
  fetch: ProviderFetch
  deadline: AbortSignal
}

/**
 * Reads userinfo and the provider's API with the user's access token. Hooks destructure it, so
 * methods are arrow functions.
 */
export class UserApi implements ProviderApi {
  readonly accessToken: string
  readonly claims: Claims
  readonly scopes: readonly string[]
  readonly tokens: Claims
  readonly callbackParams: Readonly<Record<string, string>>
  readonly client: { readonly id: string; readonly secret: string | undefined }
  readonly signal: AbortSignal
  readonly #deps: UserApiDeps

  constructor(deps: UserApiDeps) {
    const { grant, config } = deps
    this.accessToken = grant.accessToken
    this.claims = grant.claims
    this.scopes = grant.scopes
    this.tokens = grant.tokens
    this.callbackParams = grant.callbackParams ?? {}
    this.client = { id: config.clientId, secret: config.clientSecret }
    this.signal = deps.deadline
    this.#deps = deps
  }

  readonly warn: ProviderApi['warn'] = (message, facts) => {
    this.#deps.log.warnOnce(message, facts)
  }

  readonly userinfo: ProviderApi['userinfo'] = async (params = {}) => {
    const { grant, server, deadline } = this.#deps
    const { endpoints } = await server.metadata(deadline)
    if (endpoints.userinfo === undefined) {
      if (grant.hasFreshClaims) return this.claims
      throw new ProviderError('ended', 'login_required', {
        hint: 'the provider has no userinfo endpoint and issued no new ID token',
      })
    }
    const url = new URL(endpoints.userinfo)
    for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
    const { body } = this.#check(await this.#request(url.href), 'the userinfo endpoint')
    const info = typeof body === 'string' ? await this.#verifyUserinfo(body) : body
    if (!isObject(info))
      throw new ProviderError('unusable', 'provider_error', {
        hint: 'userinfo is not a JSON object',
      })
    // Otherwise userinfo of another user could be substituted. (OpenID Connect Core, 5.3.2)
    if (grant.subject !== undefined && info['sub'] !== grant.subject)
      throw new ProviderError('ended', 'provider_error', {
        hint: 'userinfo and the ID token have different values of sub',
      })
    return mergeUserinfo(this.claims, info)
  }

  readonly api: ProviderApi['api'] = async (path, request) =>
    (await this.apiResponse(path, [], request)).body

  readonly apiList: ProviderApi['apiList'] = async (path, onPage) => {
    const entries: unknown[] = []
    let url: string | undefined = await this.#apiUrl(withPageSize(path))
    const { origin } = new URL(url)
    for (let page = 0; page < MAX_PAGES; page++) {
      const response: ApiResponse = this.#check(await this.#request(url), `the API (${path})`)
      const found = entriesOf(response.body)
      if (found === undefined)
        throw new ProviderError('unusable', 'provider_error', {
          hint: `the response of the API (${path}) is not an array`,
        })
      entries.push(...found)
      onPage?.(found)
      url = nextPage(response, url)
      // The access token must not be sent to another origin.
      if (url === undefined || new URL(url).origin !== origin) return entries
    }
    return undefined
  }

  readonly apiResponse: ProviderApi['apiResponse'] = async (path, statuses, request) => {
    const response = await this.#request(await this.#apiUrl(path), request)
    return this.#check(response, `the API (${path.split('?')[0]})`, statuses)
  }

  async #apiUrl(path: string): Promise<string> {
    const { api } = (await this.#deps.server.metadata(this.signal)).endpoints
    if (api === undefined)
      throw new OAuthError('misconfigured', { hint: 'the provider has no endpoint api' })
    return `${api.replace(/\/$/, '')}${path}`
  }

  async #request(
    url: string,
    { headers, method = 'GET', body }: ApiRequest = {},
  ): Promise<ApiResponse> {
    const response = await this.#deps.fetch.fetch(url, {
      method,
      headers: new Headers({
        accept: 'application/json',
        'user-agent': 'oauth-module',
        authorization: `Bearer ${this.accessToken}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      }),
      deadline: this.signal,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const { status, headers: receivedHeaders } = response
    const received = { status, headers: receivedHeaders, body: await readJsonOrJwt(response) }
    const warning = this.#deps.config.warningOf?.(received)
    if (warning !== undefined) this.warn(warning.message, warning.facts)
    return received
  }

  #check(response: ApiResponse, name: string, statuses: readonly number[] = []): ApiResponse {
    const { status, body } = response
    const isOk = status >= 200 && status < 300
    if (!isOk && !statuses.includes(status)) throw apiError(response, this.#deps.config, name)
    if (isOk && body === undefined && status !== 204)
      throw new ProviderError('unusable', 'provider_error', {
        hint: `${name} responded with ${describeResponse(response)}`,
      })
    return response
  }

  /** Verifies a signed userinfo response. (OpenID Connect Core, 5.3.2) */
  async #verifyUserinfo(jwt: string): Promise<Claims> {
    const { config, server, deadline } = this.#deps
    const metadata = await server.metadata(deadline)
    const { claims } = await verifyJwt(jwt, server.keySource(deadline), {
      ...jwtExpectations(config, metadata),
      algorithms: config.signingAlgorithms ?? metadata.userinfoAlgorithms,
      tokenName: 'the userinfo JWT',
      requiresIssuedAt: false,
    })
    return claims
  }
}
