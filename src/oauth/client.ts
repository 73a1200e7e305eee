import type * as OpenidClient from 'openid-client'
import { OAuthError, ProviderError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { asString } from './claims.js'
import { type IdTokenExpectations, verifyIdToken, verifyJwt } from './id-token.js'
import { clientAuth } from './client-auth.js'
import type { ClientConfig } from './client-config.js'
import { createServerMetadataCache, type ServerMetadata } from './metadata.js'
import { createProviderFetch, type ProviderFetch, readJson } from './fetch.js'
import type { Claims } from './identity.js'
import type { ApiResponse, ProviderApi } from './provider-api.js'
import { createProviderApi, type ApiGrant } from './user-api.js'
import { tokenEndpointError } from './provider-errors.js'
import { parseTokenResponse, type TokenResponse } from './token-response.js'

/** What the token endpoint gave, verified. */
export interface TokenSet {
  accessToken: string
  refreshToken: string | undefined
  idToken: string | undefined
  /** Of the verified ID token; `undefined` when there is none. */
  claims: Claims | undefined
  /** `undefined` when the answer does not say: then what was asked for was granted. (RFC 6749, 5.1) */
  scopes: readonly string[] | undefined
  /** Milliseconds; `undefined` when nobody knows. */
  expiresAt: number | undefined
  response: Claims
}

type UnverifiedTokens = Pick<TokenSet, 'accessToken' | 'refreshToken' | 'idToken' | 'expiresAt'>

interface Redemption {
  code: string
  redirectUri: string
  nonce: string
  codeVerifier: string
  requestedScopes: readonly string[]
  authenticatedSince: number | undefined
}

export interface ProviderClient {
  /** Loads what the first login needs, and discovers the server; rejects when it cannot be reached. */
  ready(): Promise<void>
  /** The authorization request as a URL to send the browser to; pushed first where the server demands it. */
  authorizationUrl(params: Readonly<Record<string, string>>): Promise<string>
  /** What `iss` of a callback must be, and whether it must be there. (RFC 9207) */
  callbackIssuer(): Promise<{ issuer: string | undefined; isRequired: boolean }>
  redeem(redemption: Redemption): Promise<TokenSet>
  /** `onTokens` is told what came before it is verified: the old refresh token may be spent. */
  refresh(
    refreshToken: string,
    redirectUri: string,
    onTokens: (tokens: UnverifiedTokens) => void,
  ): Promise<TokenSet>
  /** What the provider's hooks read the user with. All of it together takes at most one exchange's time. */
  api(grant: ApiGrant): ProviderApi
  revoke(tokens: { accessToken: string; refreshToken: string | undefined }): Promise<void>
  /** Where the provider ends its own session; `undefined` where it cannot. (RP-Initiated Logout 1.0) */
  endSessionUrl(params: Readonly<Record<string, string>>): Promise<string | undefined>
  /** Claims of a logout token whose signature, issuer, audience and times are right. (Back-Channel Logout 1.0, 2.6) */
  verifyLogoutToken(token: string): Promise<Claims>
}

const OUTBOUND = { concurrency: 50, failuresBeforePause: 10 }

export function createClient(config: ClientConfig): ProviderClient {
  // Strangers can begin logins: what they hold up must not hold up those who are logged in.
  const [atLogin, outbound] = [createProviderFetch(OUTBOUND), createProviderFetch(OUTBOUND)]
  const server = createServerMetadataCache(config, outbound)
  const deadline = () => AbortSignal.timeout(config.timeout)

  const expectations = (metadata: ServerMetadata) => ({
    clientId: config.clientId,
    algorithms: metadata.algorithms,
    clockTolerance: config.clockTolerance,
    acceptsIssuer: (issuer: string, claims: Claims) =>
      config.acceptsIssuer?.(issuer, claims, metadata.issuer ?? '') ?? issuer === metadata.issuer,
    acceptsKey: config.acceptsKey,
    requiresIssuedAt: true,
    types: ['jwt'],
  })

  /** Runs one grant: our own fetch reads the answer before openid-client does, and keeps what it must not judge. */
  const grant = async (
    run: (oidc: typeof OpenidClient, configuration: OpenidClient.Configuration) => Promise<unknown>,
    expected: Pick<IdTokenExpectations, 'nonce' | 'requiresNonce' | 'authenticatedSince'> & {
      requiresIdToken: boolean
    },
    door: ProviderFetch,
    end = deadline(),
    onTokens?: (tokens: UnverifiedTokens) => void,
  ): Promise<TokenSet> => {
    const metadata = await server.metadata(end)
    let answer: TokenResponse | undefined
    const oidc = await import('openid-client')
    const configuration = await configure(oidc, config, metadata, door, end, async (response) => {
      answer = await readTokenAnswer(response, config)
      return Response.json(answer.plain)
    })
    await run(oidc, configuration).catch(translate)
    if (answer === undefined)
      throw new ProviderError('down', 'provider_error', { hint: 'no token answer' })
    const { idToken, raw, scopes, plain } = answer
    const expiresAt =
      plain.expires_in === undefined ? undefined : Date.now() + plain.expires_in * 1000
    onTokens?.({
      accessToken: plain.access_token,
      refreshToken: plain.refresh_token,
      idToken: undefined,
      expiresAt,
    })
    if (idToken === undefined && config.openid && expected.requiresIdToken) {
      throw new ProviderError('down', 'provider_error', {
        hint: 'the token answer has no id_token: is this an OpenID Connect provider?',
      })
    }
    const claims =
      idToken !== undefined && config.openid
        ? await verifyIdToken(idToken, server.keySet(end), {
            ...expectations(metadata),
            ...expected,
            accessToken: plain.access_token,
          })
        : undefined
    return {
      accessToken: plain.access_token,
      refreshToken: plain.refresh_token,
      idToken: claims === undefined ? undefined : String(idToken),
      claims,
      scopes,
      expiresAt,
      response: raw,
    }
  }

  const source: ProviderClient['api'] = (given) =>
    createProviderApi({
      provider: config,
      ...given,
      outbound: given.isLogin ? atLogin : outbound,
      end: deadline(),
      server,
      expectations,
    })

  return {
    api: source,
    async ready() {
      await Promise.all([import('openid-client'), import('jose'), server.metadata(deadline())])
    },
    async authorizationUrl(params) {
      const end = deadline()
      const metadata = await server.metadata(end)
      const oidc = await import('openid-client')
      const configuration = await configure(oidc, config, metadata, atLogin, end)
      if (metadata.requiresPushedRequests) {
        return withoutRepeats(
          await oidc.buildAuthorizationUrlWithPAR(configuration, { ...params }).catch(translate),
        )
      }
      return withoutRepeats(oidc.buildAuthorizationUrl(configuration, { ...params }))
    },
    async callbackIssuer() {
      const { issuer, requiresIssuerInCallback } = await server.metadata(deadline())
      // A template is no issuer that a callback could name.
      return {
        issuer: issuer?.includes('{') ? undefined : issuer,
        isRequired: requiresIssuerInCallback,
      }
    },
    async redeem({ code, redirectUri, nonce, codeVerifier, requestedScopes, authenticatedSince }) {
      const end = deadline()
      const callback = new URL(redirectUri)
      callback.searchParams.set('code', code)
      const tokens = await grant(
        (oidc, configuration) =>
          oidc.authorizationCodeGrant(
            configuration,
            callback,
            config.pkce === false ? {} : { pkceCodeVerifier: codeVerifier },
          ),
        {
          nonce,
          requiresNonce: config.returnsNonce !== false,
          authenticatedSince,
          requiresIdToken: requestedScopes.includes('openid'),
        },
        atLogin,
        end,
      )
      const { upgradeToken } = config
      if (upgradeToken === undefined) return tokens
      const params = upgradeToken.params(tokens.accessToken, {
        id: config.clientId,
        secret: config.clientSecret,
      })
      const better = await grant(
        (oidc, configuration) =>
          oidc.genericGrantRequest(configuration, upgradeToken.grant, params),
        { nonce: undefined, requiresNonce: false, requiresIdToken: false },
        atLogin,
        end,
      )
      return { ...tokens, accessToken: better.accessToken, expiresAt: better.expiresAt }
    },
    refresh: (refreshToken, redirectUri, onTokens) =>
      grant(
        (oidc, configuration) =>
          oidc.refreshTokenGrant(
            configuration,
            refreshToken,
            config.refreshParams?.(redirectUri) ?? {},
          ),
        { nonce: undefined, requiresNonce: false, requiresIdToken: false },
        outbound,
        deadline(),
        onTokens,
      ),
    async revoke({ accessToken, refreshToken }) {
      const end = deadline()
      if (config.revoke)
        return config.revoke(
          source({
            accessToken,
            claims: {},
            hasFreshClaims: false,
            scopes: [],
            subject: undefined,
            tokens: {},
            isLogin: false,
          }),
        )
      const metadata = await server.metadata(end)
      if (metadata.endpoints.revocation === undefined) return
      const oidc = await import('openid-client')
      const configuration = await configure(oidc, config, metadata, outbound, end)
      // Revoking a refresh token ends the access tokens that came from it. (RFC 7009, 2.1)
      await oidc.tokenRevocation(configuration, refreshToken ?? accessToken).catch(translate)
    },
    async endSessionUrl(params) {
      const { endpoints } = await server.metadata(deadline())
      if (endpoints.endSession === undefined) return undefined
      const url = new URL(endpoints.endSession)
      for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
      return url.href
    },
    async verifyLogoutToken(token) {
      const end = deadline()
      const metadata = await server.metadata(end)
      return verifyJwt(token, server.keySet(end), {
        ...expectations(metadata),
        types: ['logout+jwt', 'jwt'],
      })
    },
  }
}

/** Ours come last: a query in the endpoint's own address must not name a parameter a second time. (RFC 6749, 3.1) */
function withoutRepeats(url: URL): string {
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name)
    if (values.length > 1) url.searchParams.set(name, values.at(-1) ?? '')
  }
  return url.href
}

/** `tokens` reads an answer of the token endpoint; what it throws reaches the caller. */
async function configure(
  oidc: typeof OpenidClient,
  config: ClientConfig,
  { issuer, endpoints, pushedRequestEndpoint }: ServerMetadata,
  outbound: ProviderFetch,
  deadline: AbortSignal,
  tokens?: (response: Response) => Promise<Response>,
): Promise<OpenidClient.Configuration> {
  const configuration = new oidc.Configuration(
    {
      issuer: issuer ?? new URL(String(endpoints.authorization)).origin,
      ...(endpoints.authorization && { authorization_endpoint: endpoints.authorization }),
      ...(endpoints.token && { token_endpoint: endpoints.token }),
      ...(endpoints.revocation && { revocation_endpoint: endpoints.revocation }),
      ...(pushedRequestEndpoint && {
        pushed_authorization_request_endpoint: pushedRequestEndpoint,
      }),
    },
    config.clientId,
    undefined,
    // Credentials of the configuration's own replace ours: two at once are refused. (RFC 6749, 2.3)
    tokens && hasAuthorization(config)
      ? oidc.None()
      : await clientAuth(oidc, config.clientAuth, config.clientSecret),
  )
  const tokenUrl = endpoints.token && new URL(endpoints.token).href
  // Which addresses may be http was decided when they were read: those of this machine.
  oidc.allowInsecureRequests(configuration)
  configuration.timeout = 0
  configuration[oidc.customFetch] = async (url, { method, headers, body }) => {
    const isToken = url === tokenUrl
    const sent = new Headers(headers)
    sent.set('user-agent', 'oauth-module')
    if (isToken)
      for (const [name, value] of Object.entries(config.tokenHeaders)) sent.set(name, value)
    const response = await outbound(url, {
      method,
      headers: sent,
      body: body as RequestInit['body'],
      deadline,
    })
    if (isToken && tokens) return tokens(response)
    // What a refusal says may repeat what was sent, the secret included: only its code is read.
    if (response.status >= 400)
      throw tokenEndpointError(
        { status: response.status, headers: response.headers, body: await readJson(response) },
        config,
      )
    return response
  }
  return configuration
}

function hasAuthorization({ tokenHeaders }: ClientConfig): boolean {
  return Object.keys(tokenHeaders).some((name) => name.toLowerCase() === 'authorization')
}

async function readTokenAnswer(response: Response, config: ClientConfig): Promise<TokenResponse> {
  const isForm = /x-www-form-urlencoded/i.test(response.headers.get('content-type') ?? '')
  const body = isForm
    ? Object.fromEntries(new URLSearchParams(await response.text()))
    : await readJson(response)
  const answer: ApiResponse = { status: response.status, headers: response.headers, body }
  // GitHub reports its errors with status 200.
  if (
    response.status !== 200 ||
    !isObject(body) ||
    asString(body['error']) !== undefined ||
    isObject(body['error'])
  )
    throw tokenEndpointError(answer, config)
  return parseTokenResponse(config.normalizeTokens?.(body) ?? body, config.openid)
}

/** What our own fetch threw comes wrapped; anything else is openid-client's own judgement of the answer. */
function translate(error: unknown): never {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof OAuthError) throw cause
  throw new ProviderError('down', 'provider_error', {
    hint: error instanceof Error ? error.message : 'openid-client failed',
  })
}
