import type { LogDetails, LogLevel, LogWriter } from './log-line.js'

interface Line {
  readonly timer: NodeJS.Timeout
  /** The latest repetition. */
  repeat: (() => void) | undefined
  count: number
}

const INTERVAL_MS = 60_000
/** How many variants of one message are written per interval. Further ones count as repetitions. */
const MAX_VARIANTS = 20
const MAX_LENGTH = 1000

/**
 * Writes the same line at most once a minute, with the number of repetitions, so that clients
 * cannot flood the log. Lines are the same if they differ only in text that comes from outside.
 * The memory is bounded: every message has a limited number of variants.
 */
export class LogLimiter {
  readonly #write: LogWriter
  readonly #lines = new Map<string, Line>()
  /** The number of variants in `#lines`, by message. */
  readonly #variants = new Map<string, number>()
  /** The latest text and what remains of it: the same line is often logged many times. */
  #latest = { text: '', constant: '' }

  constructor(write: LogWriter) {
    this.#write = write
  }

  /** Writes a line, or counts it as a repetition. */
  log(level: LogLevel, message: string, details: LogDetails): void {
    const { code, provider, hint, error, decisionId } = details
    const group = JSON.stringify([level, code ?? message, provider])
    const variant = JSON.stringify([this.#constantPart(hint ?? error), decisionId])
    const isFull = (this.#variants.get(group) ?? 0) >= MAX_VARIANTS
    const key = isFull && !this.#lines.has(group + variant) ? group : group + variant
    const line = this.#lines.get(key)
    if (line === undefined) {
      this.#write(level, message, details)
      this.#start(key, group)
      return
    }
    line.count++
    line.repeat = () =>
      this.#write(level, `${message} (${line.count} more in the last minute)`, details)
  }

  /** Writes all pending counts, and stops the timers. */
  flush(): void {
    for (const { timer, repeat } of this.#lines.values()) {
      clearTimeout(timer)
      repeat?.()
    }
    this.#lines.clear()
    this.#variants.clear()
  }

  #constantPart(text: unknown): string {
    if (typeof text !== 'string') return ''
    if (text !== this.#latest.text) this.#latest = { text, constant: withoutExternalText(text) }
    return this.#latest.constant
  }

  #start(key: string, group: string): void {
    const timer = setTimeout(() => this.#end(key, group), INTERVAL_MS).unref()
    this.#lines.set(key, { timer, repeat: undefined, count: 0 })
    this.#variants.set(group, (this.#variants.get(group) ?? 0) + 1)
  }

  /** A line that was repeated is written again, and its next minute starts. */
  #end(key: string, group: string): void {
    const repeat = this.#lines.get(key)?.repeat
    this.#lines.delete(key)
    const variants = (this.#variants.get(group) ?? 1) - 1
    if (variants === 0) this.#variants.delete(group)
    else this.#variants.set(group, variants)
    if (repeat === undefined) return
    repeat()
    this.#start(key, group)
  }
}

/** Leaves out quoted text and URLs, which clients and providers can choose. */
function withoutExternalText(text: string): string {
  const unescaped = text.slice(0, MAX_LENGTH).replaceAll('\\\\', '').replaceAll('\\"', '')
  const unquoted = unescaped.split('"').filter((_, index) => index % 2 === 0)
  const words = unquoted.join('…').split(' ')
  return words.filter((word) => !word.includes('://')).join(' ')
}
