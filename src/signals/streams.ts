import { OAuthError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { asString } from '../oauth/claims.js'
import { providerError } from '../oauth/provider-errors.js'
import { requestedEvents } from './event-types.js'
import { NO_ENDPOINT, readStream, type SignalStream, streamIdOf } from './stream-configuration.js'
import type { StreamVerification } from './stream-verification.js'
import { jsonOf, type Transmitter } from './transmitter.js'

/** Configures the streams of transmitters: `signals` of the middleware. */
export interface SignalStreams {
  /**
   * Creates the stream of a transmitter, or changes the present one, and returns its configuration.
   * Needs `accessToken`.
   *
   * @param name The name in the option `signals.transmitters`.
   * @param options `endpointUrl`: the public URL of `/auth/signals`, for a transmitter that pushes.
   * @throws OAuthError if the transmitter rejects the request, with the reason in its `hint`.
   */
  createStream(name: string, options?: { endpointUrl?: string | undefined }): Promise<SignalStream>
  /**
   * Has the transmitter send a verification event, and waits until it has arrived at any process of
   * the store.
   *
   * @param options `timeout`: seconds to wait. Default 30.
   * @throws OAuthError if the transmitter rejects the request, or the event does not arrive.
   */
  verifyStream(name: string, options?: { timeout?: number | undefined }): Promise<void>
  /** The status of a stream: `enabled`, `paused`, or `disabled`. */
  streamStatus(name: string): Promise<string>
}

const PUSH = 'urn:ietf:rfc:8935'
const POLL = 'urn:ietf:rfc:8936'
const DEFAULT_TIMEOUT_SECONDS = 30
const WAIT_MS = 100

/** Creates, verifies and shows streams. (SSF 1.0, 8.1) */
export class ManagedStreams implements SignalStreams {
  readonly #transmitters: readonly Transmitter[]
  readonly #verification: StreamVerification

  constructor(transmitters: readonly Transmitter[], verification: StreamVerification) {
    this.#transmitters = transmitters
    this.#verification = verification
  }

  async createStream(
    name: string,
    { endpointUrl }: { endpointUrl?: string | undefined } = {},
  ): Promise<SignalStream> {
    const transmitter = this.#find(name)
    const { delivery, authorization, actions } = transmitter.config
    if (delivery === 'push' && endpointUrl === undefined)
      throw new TypeError('createStream() needs endpointUrl: the public URL of /auth/signals')
    const { configurationEndpoint: url, issuer } = await transmitter.metadata()
    if (url === undefined) throw providerError('owner', NO_ENDPOINT)
    const wanted = {
      delivery:
        delivery === 'poll'
          ? { method: POLL }
          : { method: PUSH, endpoint_url: endpointUrl, authorization_header: authorization },
      events_requested: requestedEvents(actions),
      description: 'oauth-module',
    }
    const response = await transmitter.request(url, { method: 'POST', body: wanted })
    // The transmitter allows one stream, which exists already. (SSF 1.0, 8.1.1.1)
    if (response.status === 409) return this.#changeStream(transmitter, url, issuer, wanted)
    return readStream(await jsonOf(response, url), issuer)
  }

  async verifyStream(
    name: string,
    { timeout = DEFAULT_TIMEOUT_SECONDS }: { timeout?: number | undefined } = {},
  ): Promise<void> {
    const transmitter = this.#find(name)
    const { verificationEndpoint: url } = await transmitter.metadata()
    if (url === undefined)
      throw providerError('owner', 'the transmitter has no verification endpoint')
    const state = this.#verification.newState(name)
    const body = { stream_id: await streamIdOf(transmitter), state }
    const response = await transmitter.request(url, { method: 'POST', body })
    if (!response.ok) await jsonOf(response, url)
    const giveUpAt = Date.now() + timeout * 1000
    while (!(await this.#verification.isConfirmed(state))) {
      if (Date.now() >= giveUpAt)
        throw new OAuthError('provider_timeout', {
          hint: `the verification event did not arrive within ${timeout} s: can the transmitter reach this app?`,
        })
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
    }
  }

  async streamStatus(name: string): Promise<string> {
    const transmitter = this.#find(name)
    const { statusEndpoint } = await transmitter.metadata()
    if (statusEndpoint === undefined)
      throw providerError('owner', 'the transmitter has no status endpoint')
    const url = new URL(statusEndpoint)
    url.searchParams.set('stream_id', await streamIdOf(transmitter))
    const status = await jsonOf(await transmitter.request(url.href, { method: 'GET' }), url.href)
    return (isObject(status) ? asString(status['status']) : undefined) ?? 'unknown'
  }

  async #changeStream(
    transmitter: Transmitter,
    url: string,
    issuer: string,
    wanted: object,
  ): Promise<SignalStream> {
    const body = { stream_id: await streamIdOf(transmitter), ...wanted }
    const response = await transmitter.request(url, { method: 'PATCH', body })
    return readStream(await jsonOf(response, url), issuer)
  }

  #find(name: string): Transmitter {
    const transmitter = this.#transmitters.find(({ config }) => config.name === name)
    if (transmitter !== undefined) return transmitter
    throw new TypeError('the option signals has no transmitter with this name')
  }
}
