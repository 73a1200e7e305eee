import type { AppRequest } from '../http/request.js'

const MAX_REQUESTS = 512
const MAX_OF_ADDRESS = 64

/** Requests whose bodies are being read, by address. Outlives a configuration. */
export type AdmissionState = Map<string, number>

/**
 * Limits how many bodies are in memory at once: anyone can send one. One address cannot take all
 * places.
 */
export class Admission {
  readonly #running: AdmissionState

  constructor(running: AdmissionState) {
    this.#running = running
  }

  /** Runs the work; `undefined` if too many requests are in progress. */
  async run<T>(req: AppRequest, work: () => Promise<T>): Promise<T | undefined> {
    const address = req.ip ?? req.socket?.remoteAddress ?? ''
    const count = this.#running.get(address) ?? 0
    const total = [...this.#running.values()].reduce((sum, one) => sum + one, 0)
    if (count >= MAX_OF_ADDRESS || total >= MAX_REQUESTS) return undefined
    this.#running.set(address, count + 1)
    try {
      return await work()
    } finally {
      const left = (this.#running.get(address) ?? 1) - 1
      if (left === 0) this.#running.delete(address)
      else this.#running.set(address, left)
    }
  }
}
