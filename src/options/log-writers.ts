import { Console } from 'node:console'
import { debuglog } from 'node:util'
import { formatLine, type LogLevel, type LogWriter, safeDetails, safeText } from './log-line.js'
import type { Logger } from './options.js'

/** Writes warnings and errors to stderr, and with `NODE_DEBUG=oauth-module` everything. */
export function defaultWriter(): LogWriter {
  const output = new Console({ stdout: process.stderr, ignoreErrors: true })
  const { enabled: isVerbose } = debuglog('oauth-module')
  return (level, message, details) => {
    if (isVerbose || level === 'warn' || level === 'error')
      output.log('%s', formatLine(level, message, details))
  }
}

/** Calls the logger of an app in the way it expects. */
export function writerFor(logger: Logger): LogWriter {
  if (logger instanceof Console || logger === globalThis.console)
    return protect((level, message, details) => logger[level](formatLine(level, message, details)))
  if (isObjectFirst(logger))
    return protect((level, message, details) =>
      (logger as unknown as Record<LogLevel, (details: object, message: string) => unknown>)[level](
        safeDetails(details),
        safeText(message),
      ),
    )
  return protect((level, message, details) =>
    logger[level](safeText(message), safeDetails(details)),
  )
}

/** A logger that throws or rejects must neither fail a request nor end the process. */
function protect(write: (...line: Parameters<LogWriter>) => unknown): LogWriter {
  return (...line) => {
    new Promise((resolve) => resolve(write(...line))).catch(() => undefined)
  }
}

/** https://github.com/pinojs/pino/blob/main/docs/api.md#pino-symbols */
const PINO = Symbol.for('pino.serializers')

/**
 * Whether the methods of a logger take the object first and drop one that comes second: those of
 * pino and its child loggers (also in fastify and pino-http), of bunyan, and of loggers with their
 * interface. winston has `child()` as well, but is a stream.
 */
function isObjectFirst(logger: object): boolean {
  if (PINO in logger) return true
  const has = (name: string) => typeof Reflect.get(logger, name) === 'function'
  return has('child') && (has('addStream') || (has('fatal') && has('trace') && !has('pipe')))
}
