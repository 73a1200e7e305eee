import type { Unwatch } from '../../session/stores/store.js'
import type { Composition } from '../composition.js'
import type { ConfigReader } from './config-reader.js'
import type { ConfigurationReports } from './reports.js'

/** What {@link ConfigFollower} depends on. */
export interface ConfigFollowerDeps {
  readonly key: string
  readonly current: () => Composition
  readonly reader: ConfigReader
  readonly reports: ConfigurationReports
}

/** A change is in effect after at most 5 seconds, which include the read itself. */
const POLL_MS = 3_500
/** Without a read for so long, as after the process was suspended, requests wait for one. */
const STALE_AFTER_MS = 5_000
/** Notifications without end must not become reads without end. */
const OUTDATED_PAUSE_MS = 50
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 2_000
/** Clients of a store may connect after the gate was created. */
const QUIET_ATTEMPTS = 3

/** Reads the stored configuration at the start, at intervals, and when the store reports a change. */
export class ConfigFollower {
  readonly #deps: ConfigFollowerDeps
  #attempt: Promise<void> | undefined
  #isReading = false
  /** When the last read ended, by the clock that continues while the machine is suspended. */
  #readAt = 0
  /** Whether the store has reported a change during the read in progress. */
  #isOutdated = false
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #unwatch: Unwatch | undefined
  #isClosed = false

  constructor(deps: ConfigFollowerDeps) {
    this.#deps = deps
  }

  /** Whether the store was read, or could not be read, within the last seconds. */
  get isFresh(): boolean {
    return Math.abs(Date.now() - this.#readAt) < STALE_AFTER_MS
  }

  /** Reads the store for the first time, and follows it from then on. */
  start(): void {
    const { key, current, reports } = this.#deps
    void this.refresh()
    try {
      this.#unwatch = current().store.watch?.(key, () => void this.refresh())
    } catch (error) {
      reports.unwatched(error)
    }
  }

  /** Reads the store now. With a synchronous store, the configuration is in effect at once. */
  refresh(): Promise<void> {
    if (this.#isReading) {
      this.#isOutdated = true
      return this.#attempt ?? Promise.resolve()
    }
    clearTimeout(this.#timer)
    // A synchronous store may report a change before the promise exists.
    this.#isReading = true
    this.#attempt = this.#read().finally(() => {
      this.#isReading = false
      this.#attempt = undefined
      this.#continue()
    })
    return this.#attempt
  }

  /** Waits for the read in progress. */
  async settled(): Promise<void> {
    await this.#attempt
  }

  /** Ends the timer and the notifications. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#unwatch?.()
    await this.#attempt
  }

  /** Never rejects. */
  async #read(): Promise<void> {
    const { reader, reports } = this.#deps
    try {
      await reader.read()
      this.#failures = reader.isLoaded ? 0 : this.#failures + 1
    } catch (error) {
      this.#failures++
      const isQuiet = !reader.isLoaded && this.#failures < QUIET_ATTEMPTS
      reports.failed(error, reader.isLoaded, isQuiet)
    }
    this.#readAt = Date.now()
  }

  #continue(): void {
    if (this.#isClosed) return
    const pauseMs = this.#isOutdated ? OUTDATED_PAUSE_MS : this.#pauseMs()
    this.#isOutdated = false
    this.#timer = setTimeout(() => void this.refresh(), pauseMs).unref()
  }

  /** With jitter, so that processes that started together do not read together. */
  #pauseMs(): number {
    const { reader } = this.#deps
    const pause = reader.isLoaded
      ? POLL_MS
      : Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS)
    return pause * (0.7 + 0.3 * Math.random())
  }
}
