import { ProviderError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { CachedValue } from './cached-value.js'
import { describeResponse } from './describe-response.js'
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
const MAX_REDIRECTS = 5
const REDIRECT_STATUSES = [301, 302, 303, 307, 308]

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
    const target = redirects < MAX_REDIRECTS ? redirectTarget(response, url) : undefined
    if (target !== undefined) return this.#getJson(target, deadline, maxBytes, redirects + 1)
    const body = await readJson(response)
    if (response.ok && body !== undefined) return body
    const { status } = response
    const description = describeResponse({ status, headers: response.headers, body })
    throw new ProviderError('down', 'provider_error', {
      hint: `${url} responded with ${description}`,
    })
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
