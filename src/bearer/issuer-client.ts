import { OAuthError, ProviderError } from '../http/errors.js'
import { randomId } from '../http/ids.js'
import { ProviderFetch } from '../oauth/fetch.js'
import type { Claims } from '../oauth/identity.js'
import { IdTokenError } from '../oauth/jwt-checks.js'
import { type KeySource, UnknownKeyError, verifySignature } from '../oauth/jwt.js'
import { ServerMetadataCache } from '../oauth/metadata.js'
import { providerError } from '../oauth/provider-errors.js'
import { ProviderLog, type ProviderLogger } from '../oauth/provider-log.js'
import { PUBLIC_KEY_ALGORITHMS } from '../oauth/signing-algorithms.js'
import { FailureLimit } from './failure-limit.js'
import {
  introspectionRequest,
  type IntrospectionConfig,
  needsMetadata,
  readIntrospection,
} from './introspection.js'
import { isKeyOfTenant, type IssuerSettings, metadataConfig } from './issuer-metadata.js'
import { hasTenants, isTenantId, issuerOfTenant } from './issuers.js'
import { TokenError } from './token-kind.js'

/** The issuers of access tokens with their keys. Outlives a configuration. */
export type IssuerClients = Map<string, IssuerClient>

/**
 * Anyone can cause these requests with made-up tokens. They have their own limits, so that neither
 * logins nor sessions wait for them.
 */
const LIMITS = { concurrency: 10, maxWaiting: 100 }
/** After a failure to fetch metadata or keys, requests are rejected without another attempt. */
const PAUSE_MS = 2_000
const NAME = 'the access token'
const NO_KEYS =
  'the server metadata has no jwks_uri, so no token can be verified: set endpoints.jwks, or introspection for opaque tokens'
const ACCEPTS_ANY_TOKEN =
  'the introspection endpoint reports a token that does not exist as active: check introspection.endpoint'

/** Keys, metadata and introspection of one issuer of access tokens. */
export class IssuerClient {
  readonly issuer: string
  /** For the owner, about this issuer. */
  readonly log: ProviderLog
  readonly #timeoutMs: number
  readonly #fetch = new ProviderFetch(LIMITS)
  readonly #server: ServerMetadataCache
  readonly #failures = new FailureLimit()
  #failure: { error: unknown; until: number } | undefined

  constructor(settings: IssuerSettings, logger: ProviderLogger) {
    this.issuer = settings.issuer
    this.#timeoutMs = settings.timeoutMs
    this.log = new ProviderLog(settings.issuer, logger)
    this.#server = new ServerMetadataCache(
      metadataConfig(settings),
      this.#fetch,
      this.log,
      () => undefined,
    )
  }

  /** Whether a token with these claims, which are not verified yet, is of this issuer. */
  isIssuerOf({ iss, tid }: Claims): boolean {
    if (!hasTenants(this.issuer)) return iss === this.issuer
    return isTenantId(tid) && iss === issuerOfTenant(this.issuer, tid)
  }

  /**
   * Loads metadata and keys, and has a made-up token introspected. Throws for what would reject all
   * tokens, and if the clocks differ by more than the tolerance, in seconds.
   */
  async ready(
    clockTolerance: number,
    introspections: readonly IntrospectionConfig[],
  ): Promise<void> {
    const isOpaque = introspections.length > 0 && !introspections.some(needsMetadata)
    try {
      await this.#server.load(this.#deadline(), clockTolerance)
      const { endpoints } = await this.#server.metadata(this.#deadline())
      if (endpoints.jwks === undefined && introspections.length === 0)
        throw providerError('owner', NO_KEYS)
    } catch (error) {
      // A server that only introspects needs no metadata.
      if (!(isOpaque && error instanceof ProviderError && error.outcome === 'unusable')) throw error
    }
    for (const config of introspections) await this.#tryIntrospection(config)
  }

  /** Verifies header and signature of a JWT. Its claims are not checked. (RFC 8725, 3) */
  async verify(token: string): Promise<{ claims: Claims; type: string }> {
    try {
      return await verifySignature(token, this.#keySource(), {
        tokenName: NAME,
        algorithms: PUBLIC_KEY_ALGORITHMS,
        types: ['at+jwt', 'jwt'],
        acceptsKey: hasTenants(this.issuer) ? isKeyOfTenant : undefined,
      })
    } catch (error) {
      throw error instanceof IdTokenError || error instanceof UnknownKeyError
        ? new TokenError(error.hint ?? '')
        : busyOr(error)
    }
  }

  /**
   * The claims of an active token; `undefined` for any other. (RFC 7662) `address` is that of the
   * client, if it is known.
   */
  async introspect(
    token: string,
    config: IntrospectionConfig,
    address: string | undefined,
  ): Promise<Claims | undefined> {
    this.#failures.check(address)
    const deadline = this.#deadline()
    try {
      const { introspection } = needsMetadata(config)
        ? await this.#guarded(() => this.#server.metadata(deadline))
        : { introspection: { endpoint: undefined, clientAuthMethods: [] } }
      const { url, ...request } = introspectionRequest(token, config, introspection)
      const response = await this.#fetch.fetch(url, { ...request, deadline, address })
      const claims = await readIntrospection(response, config)
      if (claims === undefined) this.#countFailure(address)
      return claims
    } catch (error) {
      throw busyOr(error)
    }
  }

  /** Whether the issuer accepts our client shows only in a request. (RFC 7662, 2.3) */
  async #tryIntrospection(config: IntrospectionConfig): Promise<void> {
    const claims = await this.introspect(randomId(), config, undefined)
    if (claims !== undefined) throw providerError('owner', ACCEPTS_ANY_TOKEN)
  }

  #countFailure(address: string | undefined): void {
    this.#failures.count(address)
    this.#fetch.countFailedLogin(address)
  }

  #keySource(): KeySource {
    const source = this.#server.keySource(this.#deadline())
    return { ...source, keys: () => this.#guarded(() => source.keys()) }
  }

  /** Rejects at once for a moment after a failure: every made-up token would cause a request. */
  async #guarded<T>(fetch: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined && Date.now() < this.#failure.until) throw this.#failure.error
    try {
      const result = await fetch()
      this.#failure = undefined
      return result
    } catch (error) {
      this.#failure = { error, until: Date.now() + PAUSE_MS }
      throw error
    }
  }

  #deadline(): AbortSignal {
    return AbortSignal.timeout(this.#timeoutMs)
  }
}

/** Too many requests are waiting: that is not the fault of the issuer. */
function busyOr(error: unknown): unknown {
  const isOurs =
    error instanceof ProviderError && error.code === 'provider_busy' && error.outcome === 'down'
  return isOurs ? new OAuthError('too_many_requests', { retryAfter: 5 }) : error
}
