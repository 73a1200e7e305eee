import { type ClientRequest, IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { AppRequest } from '../../http/request.js'
import type { OAuthContext } from '../../middleware/oauth-context.js'

/** A request to the gateway. The members are declared, so that setting them stays fast. */
export class GatewayRequest extends IncomingMessage implements AppRequest {
  /** How the gate asks which proxies are trusted. */
  app: AppRequest['app'] = undefined
  /** The address of the client. */
  ip: string | undefined = undefined
  /** The target, if `url` is only the part below the admin API. */
  originalUrl: string | undefined = undefined
  /** Set by the gate. */
  oauth: OAuthContext | undefined = undefined
  /** Whether the client waits for `100 Continue` before it sends the body. */
  isExpectant = false
  startedAt = performance.now()
}

/** A response of the gateway. */
export class GatewayResponse extends ServerResponse<GatewayRequest> {
  /** `undefined` until the request has passed. */
  exchange: Exchange | undefined = undefined
  /** Where it is among the responses in flight; -1 if it is not. */
  openIndex = -1
}

/** The server of the gateway. */
export type GatewayServer = Server<typeof GatewayRequest, typeof GatewayResponse>

/** Methods that can be repeated. (RFC 9110, 9.2.2) */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** A request that has passed, and its way to the upstream and back. */
export class Exchange {
  readonly req: GatewayRequest
  readonly res: GatewayResponse
  /** The request to the upstream; `undefined` until it has a connection. */
  upstreamRequest: ClientRequest | undefined = undefined
  /** `undefined` until the upstream has responded. */
  upstreamResponse: IncomingMessage | undefined = undefined
  /** When the upstream last accepted a part of the request, in milliseconds. */
  progressAt = Date.now()
  isRepeated = false
  /** Whether the upstream exceeded a limit. */
  isTimedOut = false
  #sentBytes = 0

  constructor(req: GatewayRequest, res: GatewayResponse) {
    this.req = req
    this.res = res
  }

  /** Whether more than headers is sent. (RFC 9112, 6.3) */
  get hasBody(): boolean {
    const { headers } = this.req
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  }

  /**
   * Whether the request can be sent again: the upstream has closed a connection that it kept open,
   * before it responded. (RFC 9110, 9.2.2; RFC 9112, 9.3.1)
   */
  get mayRepeat(): boolean {
    const { method = '' } = this.req
    const { reusedSocket = false } = this.upstreamRequest ?? {}
    return (
      reusedSocket &&
      !this.hasBody &&
      !this.isRepeated &&
      !this.isTimedOut &&
      this.upstreamResponse === undefined &&
      IDEMPOTENT.has(method)
    )
  }

  /** Whether the response never ends by itself, as server-sent events do. */
  get isEventStream(): boolean {
    return /^text\/event-stream\b/i.test(this.upstreamResponse?.headers['content-type'] ?? '')
  }

  /** Ends what is left of the request to the upstream when the client's connection is gone. */
  close(): void {
    if (!this.res.writableFinished) this.upstreamRequest?.destroy()
  }

  /** How long the upstream has neither accepted a part of the request nor responded. */
  idleMs(now: number): number {
    const { upstreamRequest, upstreamResponse } = this
    if (upstreamResponse !== undefined || upstreamRequest === undefined) return 0
    const { bytesWritten: sent = 0, connecting = false } = upstreamRequest.socket ?? {}
    // The upstream does not wait for a client that has not sent the next part of its upload.
    const isClientSlow =
      !connecting && !upstreamRequest.writableEnded && !upstreamRequest.writableNeedDrain
    if (sent !== this.#sentBytes || isClientSlow) this.progressAt = now
    this.#sentBytes = sent
    return now - this.progressAt
  }
}
