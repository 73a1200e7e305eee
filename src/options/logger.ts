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

/** The logger that everything uses: the given one with errors ignored, or the default. */
export function createLogger(given: Logger | undefined): Logger {
  return given === undefined ? defaultLogger() : safeLogger(given)
}

/** A logger that throws or rejects must neither fail a request nor end the process. */
function safeLogger(logger: Logger): Logger {
  const safe = (level: keyof Logger) => (message: string, facts?: object) => {
    new Promise((resolve) => resolve(logger[level](message, facts))).catch(() => undefined)
  }
  return { debug: safe('debug'), info: safe('info'), warn: safe('warn'), error: safe('error') }
}

function defaultLogger(): Logger {
  const log = debuglog('oauth-module')
  const write = (level: string) => (message: string, facts?: object) =>
    log('%s: %s %j', level, message, facts ?? {})
  return {
    debug: write('debug'),
    info: write('info'),
    warn: (message) => process.emitWarning(message, { type: 'OAuthModuleWarning' }),
    error: write('error'),
  }
}
