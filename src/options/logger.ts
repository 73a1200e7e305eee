import { custom } from '../schema/types.js'
import { LogLimiter } from './log-limiter.js'
import { type LogLevel, logLevels } from './log-line.js'
import { defaultWriter, writerFor } from './log-writers.js'
import type { Logger } from './options.js'

/** The log of one configuration. */
export interface Log extends Logger {
  /** Writes a line of level `info` in any case: of an audit log, no line may be missing. */
  audit(message: string, details: object): void
  /** Writes the counts of repeated lines that are still pending. */
  flush(): void
}

/** The option `logger`. */
export const loggerField = custom<Logger>((logger, mistakes) =>
  logLevels.every(
    (level) => typeof (logger as Record<string, unknown> | null)?.[level] === 'function',
  )
    ? (logger as Logger)
    : mistakes.add(`must have the methods ${logLevels.join(', ')}`),
)

/** Wraps the option `logger`, or creates the default logger. Repeated lines are counted. */
export function createLogger(logger: Logger | undefined): Log {
  const write = logger === undefined ? defaultWriter() : writerFor(logger)
  const limiter = new LogLimiter(write)
  const method = (level: LogLevel) => (message: string, details?: object) =>
    limiter.log(level, message, { ...details })
  return {
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    audit: (message, details) => write('info', message, { ...details }),
    flush: () => limiter.flush(),
  }
}
