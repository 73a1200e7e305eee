import { debuglog } from 'node:util'
import { custom } from '../schema/types.js'
import type { Logger } from './options.js'

const METHODS = ['debug', 'info', 'warn', 'error'] as const

/** The option `logger`. */
export const loggerField = custom<Logger>((logger, mistakes) =>
  METHODS.every(
    (method) => typeof (logger as Record<string, unknown> | null)?.[method] === 'function',
  )
    ? (logger as Logger)
    : mistakes.add(`must have the methods ${METHODS.join(', ')}`),
)

/**
 * Wraps the option `logger` so that its errors are ignored. Without one, creates the default
 * logger.
 */
export function createLogger(logger: Logger | undefined): Logger {
  return logger === undefined ? defaultLogger() : safeLogger(logger)
}

/** A logger that throws or rejects must neither fail a request nor end the process. */
function safeLogger(logger: Logger): Logger {
  const safe = (level: keyof Logger) => (message: string, details?: object) => {
    new Promise((resolve) => resolve(logger[level](message, details))).catch(() => undefined)
  }
  return { debug: safe('debug'), info: safe('info'), warn: safe('warn'), error: safe('error') }
}

function defaultLogger(): Logger {
  const log = debuglog('oauth-module')
  const write = (level: string) => (message: string, details?: object) =>
    log('%s: %s %j', level, message, details ?? {})
  return {
    debug: write('debug'),
    info: write('info'),
    warn: (message) => process.emitWarning(message, { type: 'OAuthModuleWarning' }),
    error: write('error'),
  }
}
