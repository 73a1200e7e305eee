import type { GatewayResponse } from './messages.js'
import type { GatewayLimits } from './settings.js'

/**
 * The responses in flight. One timer watches all of them, because a timer for each request would
 * cost more than the rest of the bookkeeping.
 */
export class Exchanges {
  /**
   * An array, of which each response has its index. A `Set` links every table that it outgrows to
   * the next one: V8 would keep all responses until its next full collection.
   */
  readonly #open: GatewayResponse[] = []
  readonly #limits: GatewayLimits
  readonly #timer: NodeJS.Timeout
  #onEmpty: (() => void) | undefined
  /** Whether the gateway closes, so that connections end with their next response. */
  isDraining = false

  constructor(limits: GatewayLimits) {
    this.#limits = limits
    const interval = Math.min(1000, Math.ceil(Math.min(limits.connectMs, limits.responseMs) / 4))
    this.#timer = setInterval(() => this.#sweep(Date.now()), interval).unref()
  }

  add(res: GatewayResponse): void {
    res.openIndex = this.#open.push(res) - 1
  }

  delete(res: GatewayResponse): void {
    const last = this.#open[res.openIndex] === res ? this.#open.pop() : undefined
    if (last === undefined) return
    if (last !== res) {
      this.#open[res.openIndex] = last
      last.openIndex = res.openIndex
    }
    res.openIndex = -1
    if (this.#open.length === 0) this.#onEmpty?.()
  }

  /**
   * Resolves when no response is left. Event streams end at once, since their clients connect again,
   * and everything else after `drainMs`.
   */
  async drain(): Promise<void> {
    this.isDraining = true
    for (const res of [...this.#open]) finishSoon(res)
    if (this.#open.length > 0)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#limits.drainMs)
        this.#onEmpty = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    for (const res of [...this.#open]) res.destroy()
  }

  /** Ends the timer. */
  stop(): void {
    clearInterval(this.#timer)
  }

  #sweep(now: number): void {
    const { connectMs, responseMs } = this.#limits
    for (const { exchange } of this.#open) {
      if (exchange === undefined) continue
      const { upstreamRequest } = exchange
      const limit = upstreamRequest?.socket?.connecting === true ? connectMs : responseMs
      if (exchange.idleMs(now) < limit) continue
      exchange.isTimedOut = true
      upstreamRequest?.destroy(new Error('the upstream does not respond'))
    }
  }
}

function finishSoon(res: GatewayResponse): void {
  res.shouldKeepAlive = false
  const { upstreamResponse, isEventStream } = res.exchange ?? {}
  if (isEventStream !== true) return
  upstreamResponse?.unpipe(res)
  res.end()
  upstreamResponse?.destroy()
}
