import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'

/** Free connections that are kept for the next requests. */
const MAX_FREE_SOCKETS = 256

/** All connections lead to one upstream: Node would put together their name several times per request. */
class PlainAgent extends HttpAgent {
  override getName(): string {
    return 'upstream'
  }
}

/** Keeps connections to the upstream, without a limit: each stream of events needs one. */
export function createUpstreamAgent(isEncrypted: boolean): HttpAgent {
  const options = { keepAlive: true, maxFreeSockets: MAX_FREE_SOCKETS }
  if (isEncrypted) return new HttpsAgent(options)
  // Otherwise Node derives the server name of TLS for each request, also without TLS.
  const withoutTls = { ...options, servername: '' }
  return new PlainAgent(withoutTls)
}
