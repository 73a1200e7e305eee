import type { Logger } from '../../options/options.js'

/** Where lines go: `process.stdout` and `process.stderr`, or what a test reads. */
export interface LogOutput {
  write(text: string): unknown
}

/** How long lines are collected at most, and how many characters. */
const FLUSH_MS = 100
const FLUSH_LENGTH = 16_384

type Level = 'debug' | 'info' | 'warn' | 'error'

/**
 * Writes one JSON object per line. Lines are collected for a moment, because a write takes longer than
 * the rest of a request; warnings and errors are written at once.
 */
export class JsonLog implements Logger {
  readonly #output: LogOutput
  readonly #errors: LogOutput
  readonly #writesDebug: boolean
  #pending = ''
  #timer: NodeJS.Timeout | undefined

  constructor(
    output: LogOutput = process.stdout,
    errors: LogOutput = process.stderr,
    writesDebug = /\boauth-module\b/.test(process.env['NODE_DEBUG'] ?? ''),
  ) {
    this.#output = output
    this.#errors = errors
    this.#writesDebug = writesDebug
  }

  debug(message: string, details?: object): void {
    if (this.#writesDebug) this.#add('debug', message, details)
  }

  info(message: string, details?: object): void {
    this.#add('info', message, details)
  }

  warn(message: string, details?: object): void {
    this.#addError('warn', message, details)
  }

  error(message: string, details?: object): void {
    this.#addError('error', message, details)
  }

  /** Writes what is pending, before the process ends. */
  flush(): void {
    const text = this.#pending
    this.#pending = ''
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (text !== '') this.#output.write(text)
  }

  /** After the lines before it, for those who read both streams. */
  #addError(level: Level, message: string, details: object | undefined): void {
    this.flush()
    this.#errors.write(line(level, message, details))
  }

  #add(level: Level, message: string, details: object | undefined): void {
    // Keeps the process running until the lines are written.
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS)
    this.#pending += line(level, message, details)
    if (this.#pending.length > FLUSH_LENGTH) this.flush()
  }
}

function line(level: Level, message: string, details: object | undefined): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, message, ...details })}\n`
}
