import type { ClientConfig } from './client-config.js'
import type { ServerMetadata } from './discovery.js'
import { ProviderFetch } from './fetch.js'
import type { Claims } from './identity.js'
import { jwtExpectations, verifyJwt } from './jwt.js'
import { loadJose, loadOpenidClient } from './libraries.js'
import { ServerMetadataCache } from './metadata.js'
import { authorizationUrl, pushedAuthorizationUrl } from './authorization-url.js'
import { configureOpenidClient, rethrow } from './openid-client.js'
import { ProviderLog, type ProviderLogger } from './provider-log.js'
import type { ProviderApi } from './provider-api.js'
import { type Redemption, redeemCode } from './redemption.js'
import { requestTokens, type TokenSet, type UnverifiedTokens } from './token-request.js'
import { type ApiGrant, UserApi } from './user-api.js'

/** Communicates with one provider. Each method ends within the option `timeouts.provider`. */
export class ProviderClient {
  /** For the owner, about this provider. */
  readonly log: ProviderLog
  readonly #config: ClientConfig
  /** Anyone can cause these requests, so those of users do not wait behind them. */
  readonly #anonymousFetch = new ProviderFetch()
  readonly #loginFetch = new ProviderFetch()
  readonly #fetch = new ProviderFetch()
  readonly #server: ServerMetadataCache

  constructor(
    config: ClientConfig,
    logger: ProviderLogger,
    beforeDiscovery: () => Promise<void> | undefined = () => undefined,
  ) {
    this.log = new ProviderLog(config.name, logger)
    this.#config = config
    this.#server = new ServerMetadataCache(config, this.#fetch, this.log, beforeDiscovery)
  }

  /** Loads what the first login needs, and discovers the provider. Rejects when that fails. */
  async ready(): Promise<void> {
    await Promise.all([
      loadOpenidClient(),
      loadJose(),
      this.#server.load(this.#deadline(), this.#config.clockTolerance),
    ])
  }

  /** URL of an authorization request; a pushed one (RFC 9126) if the provider requires that. */
  async authorizationUrl(
    params: Readonly<Record<string, string>>,
    addressOf: () => string | undefined = () => undefined,
  ): Promise<string> {
    const metadata = await this.#metadata()
    if (!metadata.requiresPushedRequests)
      return authorizationUrl(metadata.endpoints.authorization, params)
    const setup = this.#setup(this.#anonymousFetch, this.#deadline())
    return pushedAuthorizationUrl({ ...setup, metadata, address: addressOf() }, params)
  }

  /** What discovery lists as supported; empty arrays if it lists nothing. (RFC 8414, 2) */
  async supported(): Promise<Pick<ServerMetadata, 'scopes' | 'prompts'>> {
    return this.#metadata()
  }

  /** The expected `iss` of a callback, and whether it is required. (RFC 9207, 2.4) */
  async callbackIssuer(): Promise<{ issuer: string | undefined; isRequired: boolean }> {
    const { issuer, requiresIssuerInCallback } = await this.#metadata()
    // Microsoft's issuer is a template, which no callback can contain.
    return {
      issuer: issuer?.includes('{') ? undefined : issuer,
      isRequired: requiresIssuerInCallback,
    }
  }

  /** Exchanges an authorization code for tokens, and verifies them. (RFC 6749, 4.1.3) */
  async redeem(redemption: Redemption): Promise<TokenSet> {
    const deadline = this.#deadline()
    const tokens = await redeemCode(this.#setup(this.#anonymousFetch, deadline), redemption)
    return this.#upgrade(tokens, deadline)
  }

  /** Refreshes tokens. `onTokens` is called before the response is verified. (RFC 6749, 6) */
  async refresh(
    refreshToken: string,
    redirectUri: string,
    onTokens: (tokens: UnverifiedTokens) => void,
  ): Promise<TokenSet> {
    const params = this.#config.refreshParams?.(redirectUri) ?? {}
    return requestTokens({
      ...this.#setup(this.#fetch, this.#deadline()),
      send: (oidc, configuration) => oidc.refreshTokenGrant(configuration, refreshToken, params),
      onTokens,
    })
  }

  /**
   * The API for the hooks of a definition. All of its requests together end within
   * `timeouts.provider`.
   */
  api(grant: ApiGrant): ProviderApi {
    return new UserApi({
      grant,
      log: this.log,
      config: this.#config,
      server: this.#server,
      fetch: grant.isLogin ? this.#loginFetch : this.#fetch,
      deadline: this.#deadline(),
    })
  }

  /** Revokes tokens, if the provider supports that. (RFC 7009) */
  async revoke(tokens: { accessToken: string; refreshToken: string | undefined }): Promise<void> {
    const { accessToken, refreshToken } = tokens
    const deadline = this.#deadline()
    if (this.#config.revoke) return this.#config.revoke(this.#apiForRevocation(accessToken))
    const metadata = await this.#server.metadata(deadline)
    if (metadata.endpoints.revocation === undefined)
      return this.log.warnOnce(
        'logout.revokeTokens has no effect: there is no revocation endpoint',
        {
          hint: 'set endpoints.revocation, or leave out revokeTokens',
        },
      )
    const oidc = await loadOpenidClient()
    const setup = this.#setup(this.#fetch, deadline)
    const configuration = await configureOpenidClient(oidc, { ...setup, metadata })
    // Revoking a refresh token also revokes its access tokens. (RFC 7009, 2.1)
    await oidc.tokenRevocation(configuration, refreshToken ?? accessToken).catch(rethrow)
  }

  /**
   * URL that ends the session at the provider, or `undefined` if it has none. (RP-Initiated Logout
   * 1.0, 2)
   */
  async endSessionUrl(params: Readonly<Record<string, string>>): Promise<string | undefined> {
    const { endpoints } = await this.#metadata()
    if (endpoints.endSession === undefined) return undefined
    const url = new URL(endpoints.endSession)
    for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
    return url.href
  }

  /**
   * Verifies signature, issuer, audience and times of a logout token. (Back-Channel Logout 1.0,
   * 2.6)
   */
  async verifyLogoutToken(token: string): Promise<Claims> {
    const deadline = this.#deadline()
    const metadata = await this.#server.metadata(deadline)
    const { claims } = await verifyJwt(token, this.#server.keySource(deadline), {
      ...jwtExpectations(this.#config, metadata),
      tokenName: 'the logout token',
      types: ['logout+jwt', 'jwt'],
    })
    return claims
  }

  /** Exchanges the access token for one with a longer lifetime, if the vendor offers that. */
  async #upgrade(tokens: TokenSet, deadline: AbortSignal): Promise<TokenSet> {
    const { upgradeToken, clientId, clientSecret } = this.#config
    if (upgradeToken === undefined) return tokens
    const client = { id: clientId, secret: clientSecret }
    const params = upgradeToken.params(tokens.accessToken, client)
    const { accessToken, expiresAt } = await requestTokens({
      ...this.#setup(this.#loginFetch, deadline),
      send: (oidc, configuration) =>
        oidc.genericGrantRequest(configuration, upgradeToken.grant, params),
    })
    return { ...tokens, accessToken, expiresAt }
  }

  /** A timer for each request would cost more than everything else here. */
  async #metadata(): Promise<ServerMetadata> {
    return this.#server.current ?? this.#server.metadata(this.#deadline())
  }

  #setup(fetch: ProviderFetch, deadline: AbortSignal) {
    return { config: this.#config, server: this.#server, fetch, deadline }
  }

  #apiForRevocation(accessToken: string): ProviderApi {
    return this.api({
      accessToken,
      claims: {},
      hasFreshClaims: false,
      isLogin: false,
      scopes: [],
      subject: undefined,
      tokens: {},
    })
  }

  #deadline(): AbortSignal {
    return AbortSignal.timeout(this.#config.timeoutMs)
  }
}
