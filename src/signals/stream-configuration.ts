import { isObject } from '../http/json.js'
import { asString, asStrings } from '../oauth/claims.js'
import { providerError } from '../oauth/provider-errors.js'
import { isSameIssuer } from './issuer.js'
import { jsonOf, type Transmitter } from './transmitter.js'

/** A stream of a transmitter. */
export interface SignalStream {
  /** Set it as the option `streamId`. */
  readonly streamId: string
  /** `aud` of its tokens: set it as the option `audience`. */
  readonly audience: readonly string[]
  /** The URIs of the event types that the transmitter will send. */
  readonly events: readonly string[]
  /** The URL to poll, if the stream is polled. */
  readonly pollUrl: string | undefined
}

const POLL = 'urn:ietf:rfc:8936'

/** Reads the configuration of a stream. Throws a `ProviderError` if it is malformed. (SSF 1.0, 8.1.1) */
export function readStream(value: unknown, issuer: string): SignalStream {
  const streamId = isObject(value) ? asString(value['stream_id']) : undefined
  if (!isObject(value) || streamId === undefined)
    throw providerError('unusable', 'the transmitter returned no stream')
  const { iss, aud, delivery } = value
  if (typeof iss !== 'string' || !isSameIssuer(iss, issuer))
    throw providerError('unusable', 'the transmitter returned a stream of another issuer')
  const isPolled = isObject(delivery) && delivery['method'] === POLL
  return {
    streamId,
    audience: asStrings([aud].flat()),
    events: asStrings(value['events_delivered']),
    pollUrl: isPolled ? asString(delivery['endpoint_url']) : undefined,
  }
}

/** The URL to poll. Throws a `ProviderError` if the transmitter does not state it. */
export async function pollUrlOf(transmitter: Transmitter): Promise<string> {
  const { pollUrl } = transmitter.config
  if (pollUrl !== undefined) return pollUrl
  const { configurationEndpoint, issuer } = await transmitter.metadata()
  if (configurationEndpoint === undefined) throw providerError('owner', NO_ENDPOINT)
  const url = new URL(configurationEndpoint)
  url.searchParams.set('stream_id', await streamIdOf(transmitter))
  const response = await transmitter.request(url.href, { method: 'GET' })
  const stream = readStream(await jsonOf(response, url.href), issuer)
  if (stream.pollUrl === undefined)
    throw providerError('owner', 'the stream is not for polling: create one with delivery: poll')
  // The access token is for the transmitter, and nothing else may be requested from here.
  if (isOfOrigin(stream.pollUrl, issuer) || isOfOrigin(stream.pollUrl, configurationEndpoint))
    return stream.pollUrl
  throw providerError(
    'owner',
    'the stream is polled at another origin than that of the transmitter: set pollUrl if this is right',
  )
}

/** The ID of the stream: that of the options, or of the only stream. */
export async function streamIdOf(transmitter: Transmitter): Promise<string> {
  const { name, streamId } = transmitter.config
  if (streamId !== undefined) return streamId
  const { configurationEndpoint: url, issuer } = await transmitter.metadata()
  if (url === undefined) throw providerError('owner', NO_ENDPOINT)
  const body = await jsonOf(await transmitter.request(url, { method: 'GET' }), url)
  const [stream, second] = (Array.isArray(body) ? body : [body]) as readonly unknown[]
  if (second !== undefined)
    throw new TypeError(
      `signals.transmitters.${name}.streamId is missing: the transmitter has several streams`,
    )
  if (stream === undefined)
    throw providerError('owner', 'the transmitter has no stream for this app: call createStream()')
  return readStream(stream, issuer).streamId
}

function isOfOrigin(url: string, other: string): boolean {
  return URL.canParse(url) && new URL(url).origin === new URL(other).origin
}

/** For an option that names no URL. */
export const NO_ENDPOINT =
  'the transmitter has no configuration endpoint: create the stream in its own administration'
