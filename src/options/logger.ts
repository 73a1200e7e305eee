import { debuglog } from 'node:util'
import type { Logger } from './options.js'
import type { OptionReader } from '../schema.js'

/** The option `logger`, or what stands in for it. */
export function readLogger(read: OptionReader): Logger {
  const logger = read.value('logger')
  if (logger === undefined) return defaultLogger()
  for (const method of ['debug', 'info', 'warn', 'error']) {
    if (typeof (logger as Record<string, unknown> | null)?.[method] !== 'function')
      read.fail('logger', 'must have the methods debug, info, warn and error')
  }
  return sheltered(logger as Logger)
}

/** A logger that throws or rejects must not fail a request, nor end the process beside one. */
function sheltered(logger: Logger): Logger {
  const shelter = (level: keyof Logger) => (message: string, facts?: object) => {
    new Promise((resolve) => resolve(logger[level](message, facts))).catch(() => undefined)
  }
  return {
    debug: shelter('debug'),
    info: shelter('info'),
    warn: shelter('warn'),
    error: shelter('error'),
  }
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
