import { isObject } from '../http/json.js'
import { CachedValue } from '../oauth/cached-value.js'
import { describeResponse } from '../oauth/describe-response.js'
import { ProviderFetch } from '../oauth/fetch.js'
import type { KeySource } from '../oauth/jwt.js'
import { outcomeOfFailure, providerError } from '../oauth/provider-errors.js'
import { readJson } from '../oauth/response-body.js'
import { SigningKeys } from '../oauth/signing-keys.js'
import type { TransmitterConfig } from './config.js'
import { metadataUrls, readMetadata, type TransmitterMetadata } from './transmitter-metadata.js'

const MAX_KEY_AGE_MS = 24 * 3_600_000
const MAX_KEYS = 100

/** A request to the API of a transmitter. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly body?: object | undefined
  /** Ends the exchange. Default: the option `timeouts.provider`. */
  readonly deadline?: AbortSignal | undefined
  readonly maxBytes?: number | undefined
}

/** Communicates with one transmitter. */
export class Transmitter {
  readonly config: TransmitterConfig
  readonly #timeoutMs: number
  /** Anyone can cause requests for metadata and keys, so those to the API do not wait for them. */
  readonly #publicFetch = new ProviderFetch()
  readonly #apiFetch = new ProviderFetch()
  readonly #metadata: CachedValue<TransmitterMetadata>
  readonly #keys: CachedValue<SigningKeys>

  constructor(config: TransmitterConfig, timeoutMs: number) {
    this.config = config
    this.#timeoutMs = timeoutMs
    this.#metadata = new CachedValue((deadline) => this.#fetchMetadata(deadline))
    this.#keys = new CachedValue((deadline) => this.#fetchKeys(deadline), {
      maxStaleMs: MAX_KEY_AGE_MS,
    })
  }

  /** The metadata. Throws a `ProviderError` if it cannot be had. */
  async metadata(): Promise<TransmitterMetadata> {
    return this.#metadata.get(this.#deadline())
  }

  /** What is known without a request if `jwksUri` is set; otherwise the metadata. */
  async tokenMetadata(): Promise<
    Pick<TransmitterMetadata, 'issuer' | 'isLegacy' | 'criticalMembers'>
  > {
    const { issuer, jwksUri } = this.config
    return jwksUri === undefined
      ? this.metadata()
      : { issuer, isLegacy: false, criticalMembers: [] }
  }

  /** The keys that sign its tokens. */
  keySource(): KeySource {
    const deadline = this.#deadline()
    return { keys: () => this.#keys.get(deadline), refresh: () => this.#keys.refresh(deadline) }
  }

  /** Fetches metadata and keys. */
  async load(): Promise<void> {
    await this.#keys.get(this.#deadline())
  }

  /** Sends a request with the access token. Resolves with any status. */
  async request(url: string, { method, body, deadline, maxBytes }: ApiRequest): Promise<Response> {
    const { accessToken } = this.config
    const token = typeof accessToken === 'function' ? await accessToken() : accessToken
    const headers = new Headers({ accept: 'application/json', 'user-agent': 'oauth-module' })
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    return this.#apiFetch.fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      deadline: deadline ?? this.#deadline(),
      maxBytes,
    })
  }

  async #fetchMetadata(deadline: AbortSignal): Promise<TransmitterMetadata> {
    const { issuer } = this.config
    const [current, legacy] = metadataUrls(issuer)
    const response = await this.#get(current, deadline)
    if (response.status !== 404) return readMetadata(await jsonOf(response, current), issuer, false)
    return readMetadata(await jsonOf(await this.#get(legacy, deadline), legacy), issuer, true)
  }

  async #fetchKeys(deadline: AbortSignal): Promise<SigningKeys> {
    const url = this.config.jwksUri ?? (await this.#metadata.get(deadline)).jwksUri
    if (url === undefined)
      throw providerError('owner', 'the metadata of the transmitter has no jwks_uri: set jwksUri')
    const jwks = await jsonOf(await this.#get(url, deadline), url)
    const keys = isObject(jwks) ? jwks['keys'] : undefined
    if (!Array.isArray(keys) || keys.length > MAX_KEYS)
      throw providerError('unusable', 'the key set of the transmitter is malformed, or too large')
    return new SigningKeys(keys.filter(isObject))
  }

  #get(url: string, deadline: AbortSignal): Promise<Response> {
    const headers = new Headers({ accept: 'application/json', 'user-agent': 'oauth-module' })
    return this.#publicFetch.fetch(url, { headers, deadline })
  }

  #deadline(): AbortSignal {
    return AbortSignal.timeout(this.#timeoutMs)
  }
}

/** The JSON of a successful response. Throws a `ProviderError` for any other one. */
export async function jsonOf(response: Response, url: string): Promise<unknown> {
  const body = await readJson(response)
  if (response.ok && body !== undefined) return body
  const { status, headers } = response
  throw providerError(
    outcomeOfFailure(status),
    `${url} responded with ${describeResponse({ status, headers, body })}`,
  )
}
