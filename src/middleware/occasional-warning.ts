import type { Logger } from '../options/options.js'

const INTERVAL_MS = 60_000

/** A warning that clients can cause, and that is therefore logged at most once a minute. */
export class OccasionalWarning {
  readonly #logger: Logger
  readonly #message: string
  #loggedAt = Number.NEGATIVE_INFINITY

  constructor(logger: Logger, message: string) {
    this.#logger = logger
    this.#message = message
  }

  /** Logs the warning with these details, unless it was logged within the last minute. */
  log(details: object): void {
    const now = performance.now()
    if (now - this.#loggedAt < INTERVAL_MS) return
    this.#loggedAt = now
    this.#logger.warn(this.#message, details)
  }
}
