import { connect } from 'node:net'
import type { ServerResponse } from 'node:http'
import { sendJson } from '../../http/response.js'

const CONNECT_TIMEOUT_MS = 2000
/** Anyone can ask, so that the answer is reused. */
const FRESH_MS = 1000
/** The providers are asked again. */
const RETRY_MS = 5000

/** What {@link Health} depends on. */
export interface HealthDeps {
  /** The `ready()` of the gate, which logs what is missing. */
  ready(): Promise<void>
  /** Where the upstream accepts connections. Default: there is none. */
  upstream?(): { readonly host: string; readonly port: number }
}

interface Readiness {
  readonly ready: boolean
  /** What is not ready, without details: the log has them. */
  readonly waitingFor?: readonly ('sign-in' | 'upstream')[]
}

/** The responses to probes: `health` and `ready` below the base path. */
export class Health {
  readonly #deps: HealthDeps
  /**
   * Once the gate was ready, it stays so: during an outage of the provider, sessions continue, and
   * taking every replica out of service would end them.
   */
  #isGateReady = false
  #gateCheck: { readonly at: number; readonly isReady: Promise<boolean> } | undefined
  #upstreamCheck: { readonly at: number; readonly isReady: Promise<boolean> } | undefined
  #isClosing = false

  constructor(deps: HealthDeps) {
    this.#deps = deps
  }

  /** From now on the gateway is not ready. */
  close(): void {
    this.#isClosing = true
  }

  /** The gate has another configuration. */
  reset(): void {
    this.#isGateReady = false
    this.#gateCheck = undefined
    this.#upstreamCheck = undefined
  }

  /** Responds to `health`: the process runs. */
  sendHealth(res: ServerResponse): void {
    sendJson(res, 200, { healthy: true })
  }

  /** Responds to `ready`. */
  async sendReady(res: ServerResponse): Promise<void> {
    const readiness = await this.#readiness()
    if (!res.destroyed) sendJson(res, readiness.ready ? 200 : 503, readiness)
  }

  async #readiness(): Promise<Readiness> {
    if (this.#isClosing) return { ready: false, waitingFor: [] }
    const [gate, upstream] = await Promise.all([this.#checkGate(), this.#checkUpstream()])
    if (gate && upstream) return { ready: true }
    return {
      ready: false,
      waitingFor: [
        ...(gate ? [] : ['sign-in' as const]),
        ...(upstream ? [] : ['upstream' as const]),
      ],
    }
  }

  async #checkGate(): Promise<boolean> {
    if (this.#isGateReady) return true
    const now = Date.now()
    if (this.#gateCheck === undefined || now - this.#gateCheck.at >= RETRY_MS) {
      const isReady = this.#deps.ready().then(
        () => (this.#isGateReady = true),
        () => false,
      )
      this.#gateCheck = { at: now, isReady }
    }
    return this.#gateCheck.isReady
  }

  async #checkUpstream(): Promise<boolean> {
    if (this.#deps.upstream === undefined) return true
    const now = Date.now()
    if (this.#upstreamCheck === undefined || now - this.#upstreamCheck.at >= FRESH_MS)
      this.#upstreamCheck = { at: now, isReady: acceptsConnections(this.#deps.upstream()) }
    return this.#upstreamCheck.isReady
  }
}

function acceptsConnections(address: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: CONNECT_TIMEOUT_MS })
    const end = (result: boolean) => {
      resolve(result)
      socket.destroy()
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}
