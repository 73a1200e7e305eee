import { ProviderError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { CachedValue } from './cached-value.js'
import { describeResponse } from './describe-response.js'
import {
  DISCOVERY_PATH,
  discoveryUrl,
  knownMetadata,
  type MetadataConfig,
  oauthMetadataUrl,
  parseDiscovery,
  type ServerMetadata,
} from './discovery.js'
import { ENDPOINTS_FIX } from './issuer-hints.js'
import type { ProviderFetch } from './fetch.js'
import type { ProviderLog } from './provider-log.js'
import type { KeySource } from './jwt.js'
import { outcomeOfFailure, providerError } from './provider-errors.js'
import { readJson } from './response-body.js'
import { SigningKeys } from './signing-keys.js'

/** Keys that the provider has withdrawn are trusted for no longer than this. */
const MAX_KEY_AGE_MS = 24 * 3_600_000
/** Far more than any provider has. Selecting a key takes time for each of them. */
const MAX_KEYS = 1_000
const MAX_JWKS_BYTES = 1024 * 1024
const MAX_REDIRECTS = 5
const REDIRECT_STATUSES = [301, 302, 303, 307, 308]

/** Metadata and keys of one provider's authorization server, fetched when first needed. */
export class ServerMetadataCache {
  readonly #fetch: ProviderFetch
  readonly #known: ServerMetadata | undefined
  readonly #discovered: CachedValue<ServerMetadata>
  readonly #keys: CachedValue<SigningKeys>
  /** How far the clock of the provider is ahead. (RFC 9110, 6.6.1) */
  #clockOffsetMs = 0

  constructor(
    config: MetadataConfig,
    fetch: ProviderFetch,
    log: ProviderLog,
    beforeDiscovery: () => Promise<void> | undefined,
  ) {
    this.#fetch = fetch
    this.#known = knownMetadata(config)
    this.#discovered = new CachedValue(async (deadline) => {
      await beforeDiscovery()
      return parseDiscovery(await this.#getDiscovery(config, deadline), config)
    })
    this.#keys = new CachedValue((deadline) => this.#fetchKeys(deadline), {
      maxStaleMs: MAX_KEY_AGE_MS,
      onFailure: (error) =>
        log.warnOnce(
          'the keys of the provider could not be fetched again: they are used for 24 hours, then logins fail',
          { hint: error instanceof ProviderError ? error.hint : undefined },
        ),
    })
  }

  /** Fetches metadata and keys. Throws if the clocks differ by more than the tolerance, in seconds. */
  async load(deadline: AbortSignal, clockTolerance: number): Promise<void> {
    const { endpoints } = await this.metadata(deadline)
    if (endpoints.jwks !== undefined) await this.#keys.get(deadline)
    const seconds = Math.round(this.#clockOffsetMs / 1000)
    // `Date` has a resolution of one second.
    if (Math.abs(seconds) > clockTolerance + 1)
      throw new ProviderError('owner', 'misconfigured', {
        hint: `the clock of the provider differs from that of this server by ${seconds} s: synchronize the clock of this server`,
      })
  }

  /** The metadata, if nothing has to be fetched for it. */
  get current(): ServerMetadata | undefined {
    return this.#known ?? this.#discovered.current
  }

  /** The metadata, discovered if necessary. */
  async metadata(deadline: AbortSignal): Promise<ServerMetadata> {
    return this.#known ?? this.#discovered.get(deadline)
  }

  /** The keys of the provider, for {@link verifyJwt}. */
  keySource(deadline: AbortSignal): KeySource {
    return {
      keys: () => this.#keys.get(deadline),
      refresh: () => this.#keys.refresh(deadline),
    }
  }

  /** An authorization server without OpenID Connect has its metadata elsewhere. (RFC 8414, 3) */
  async #getDiscovery(config: MetadataConfig, deadline: AbortSignal): Promise<unknown> {
    try {
      return await this.#getJson(discoveryUrl(config), deadline)
    } catch (error) {
      const isAbsent = error instanceof ProviderError && error.outcome === 'unusable'
      if (!isAbsent || config.isTokenIssuer !== true) throw error
      return this.#getJson(oauthMetadataUrl(config), deadline).catch(() => {
        throw error
      })
    }
  }

  /** Fetches the JWK Set. (RFC 7517, 5) */
  async #fetchKeys(deadline: AbortSignal): Promise<SigningKeys> {
    const { endpoints } = await this.metadata(deadline)
    if (endpoints.jwks === undefined)
      throw new ProviderError('unusable', 'provider_error', {
        hint: 'the provider has no jwks_uri',
      })
    const jwks = await this.#getJson(endpoints.jwks, deadline, MAX_JWKS_BYTES)
    const keys = isObject(jwks) ? jwks['keys'] : undefined
    if (!Array.isArray(keys) || keys.length > MAX_KEYS)
      throw new ProviderError('unusable', 'provider_error', {
        hint: `the key set of the provider is malformed, or has more than ${MAX_KEYS} keys`,
      })
    return new SigningKeys(keys.filter(isObject))
  }

  /**
   * Reads a public document. Follows redirects, but only on its own origin: another one could
   * replace the keys.
   */
  async #getJson(
    url: string,
    deadline: AbortSignal,
    maxBytes?: number,
    redirects = 0,
  ): Promise<unknown> {
    const headers = new Headers({ accept: 'application/json', 'user-agent': 'oauth-module' })
    const response = await this.#fetch.fetch(url, { headers, deadline, maxBytes })
    const date = Date.parse(response.headers.get('date') ?? '')
    if (!Number.isNaN(date)) this.#clockOffsetMs = date - Date.now()
    const target = redirects < MAX_REDIRECTS ? redirectTarget(response, url) : undefined
    if (target !== undefined) return this.#getJson(target, deadline, maxBytes, redirects + 1)
    const body = await readJson(response)
    if (response.ok && body !== undefined) return body
    const { status } = response
    const description = describeResponse({ status, headers: response.headers, body })
    const fix =
      status === 404 && url.endsWith(DISCOVERY_PATH)
        ? `: is the option issuer right? For a provider without a discovery document, ${ENDPOINTS_FIX}`
        : ''
    throw providerError(outcomeOfFailure(status), `${url} responded with ${description}${fix}`)
  }
}

/** The target of a redirect on the origin of `url`. */
function redirectTarget({ status, headers }: Response, url: string): string | undefined {
  const location = headers.get('location')
  if (location === null || !REDIRECT_STATUSES.includes(status) || !URL.canParse(location, url))
    return undefined
  const { href, origin, username, password } = new URL(location, url)
  const isOwn = origin === new URL(url).origin && username === '' && password === ''
  return isOwn ? href : undefined
}
