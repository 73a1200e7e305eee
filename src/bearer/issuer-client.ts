import { OAuthError, ProviderError } from '../http/errors.js'
import type { MetadataConfig } from '../oauth/discovery.js'
import { ProviderFetch } from '../oauth/fetch.js'
import type { Claims } from '../oauth/identity.js'
import { IdTokenError } from '../oauth/jwt-checks.js'
import { type KeySource, UnknownKeyError, verifySignature } from '../oauth/jwt.js'
import { ServerMetadataCache } from '../oauth/metadata.js'
import { ProviderLog, type ProviderLogger } from '../oauth/provider-log.js'
import { PUBLIC_KEY_ALGORITHMS } from '../oauth/signing-algorithms.js'
import { FailureLimit } from './failure-limit.js'
import {
  introspectionRequest,
  type IntrospectionConfig,
  readIntrospection,
} from './introspection.js'
import { hasTenants, isTenantId, issuerOfTenant } from './issuers.js'
import { TokenError } from './token-kind.js'

/** The issuers of access tokens with their keys. Outlives a configuration. */
export type IssuerClients = Map<string, IssuerClient>

/** What an {@link IssuerClient} needs to know of its issuer. */
export interface IssuerSettings {
  readonly issuer: string
  /** URL of the keys, if it is not discovered. */
  readonly jwks: string | undefined
  readonly insecureHttp: boolean
  readonly timeoutMs: number
}

/**
 * Anyone can cause these requests with made-up tokens. They have their own limits, so that neither
 * logins nor sessions wait for them.
 */
const LIMITS = { concurrency: 10, maxWaiting: 100 }
/** After a failure to fetch metadata or keys, requests are rejected without another attempt. */
const PAUSE_MS = 2_000
const NAME = 'the access token'

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

  /** Loads metadata and keys. Throws if the clocks differ by more than the tolerance, in seconds. */
  async ready(clockTolerance: number): Promise<void> {
    await this.#server.load(this.#deadline(), clockTolerance)
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

function metadataConfig({ issuer, jwks, insecureHttp }: IssuerSettings): MetadataConfig {
  return {
    openid: true,
    issuer,
    insecureHttp,
    isTokenIssuer: true,
    ...(jwks !== undefined && { endpoints: { jwks } }),
    // https://learn.microsoft.com/entra/identity-platform/access-tokens#multitenant-applications
    ...(hasTenants(issuer) && {
      discoveryIssuer: (template: string) => issuerOfTenant(template, 'common'),
    }),
  }
}

/** A key of Microsoft with `issuer` signs only for this issuer. */
function isKeyOfTenant({ issuer }: Claims, { iss, tid }: Claims): boolean {
  if (issuer === undefined) return true
  return typeof issuer === 'string' && isTenantId(tid) && issuerOfTenant(issuer, tid) === iss
}

function needsMetadata({ endpoint, clientAuth, isGoogle }: IntrospectionConfig): boolean {
  return !isGoogle && (endpoint === undefined || clientAuth === undefined)
}

/** Too many requests are waiting: that is not the fault of the issuer. */
function busyOr(error: unknown): unknown {
  const isOurs =
    error instanceof ProviderError && error.code === 'provider_busy' && error.outcome === 'down'
  return isOurs ? new OAuthError('too_many_requests', { retryAfter: 5 }) : error
}
