import { ProviderError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { CachedValue } from './cached-value.js'
import {
  discoveryUrl,
  knownMetadata,
  type MetadataConfig,
  parseDiscovery,
  type ServerMetadata,
} from './discovery.js'
import type { ProviderFetch } from './fetch.js'
import type { KeySource } from './jwt.js'
import { readJson } from './response-body.js'
import { SigningKeys } from './signing-keys.js'

const MAX_JWKS_BYTES = 1024 * 1024

/** Metadata and keys of one provider's authorization server, fetched when first needed. */
export class ServerMetadataCache {
  readonly #fetch: ProviderFetch
  readonly #known: ServerMetadata | undefined
  readonly #discovered: CachedValue<ServerMetadata>
  readonly #keys: CachedValue<SigningKeys>

  constructor(config: MetadataConfig, fetch: ProviderFetch) {
    this.#fetch = fetch
    this.#known = knownMetadata(config)
    this.#discovered = new CachedValue(async (deadline) =>
      parseDiscovery(await this.#getJson(discoveryUrl(config), deadline), config),
    )
    this.#keys = new CachedValue((deadline) => this.#fetchKeys(deadline))
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

  /** Fetches the JWK Set. (RFC 7517, 5) */
  async #fetchKeys(deadline: AbortSignal): Promise<SigningKeys> {
    const { endpoints } = await this.metadata(deadline)
    if (endpoints.jwks === undefined)
      throw new ProviderError('down', 'provider_error', { hint: 'the provider has no jwks_uri' })
    const jwks = await this.#getJson(endpoints.jwks, deadline, MAX_JWKS_BYTES)
    if (!isObject(jwks) || !Array.isArray(jwks['keys']))
      throw new ProviderError('down', 'provider_error', {
        hint: 'the key set of the provider is malformed',
      })
    return new SigningKeys(jwks['keys'].filter(isObject))
  }

  async #getJson(url: string, deadline: AbortSignal, maxBytes?: number): Promise<unknown> {
    const headers = new Headers({ accept: 'application/json', 'user-agent': 'oauth-module' })
    const response = await this.#fetch.fetch(url, { headers, deadline, maxBytes })
    if (response.status === 200) return readJson(response)
    throw new ProviderError('down', 'provider_error', {
      hint: `${url} responded with status ${response.status}`,
    })
  }
}
