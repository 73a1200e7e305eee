import type { Logger } from '../options/options.js'
import type { SignalReport } from '../signals/signal.js'
import { describeError } from './error-reporter.js'
import type { Events } from './events.js'

type Level = keyof Logger

/** What is logged of each outcome. */
const OUTCOMES: Readonly<
  Record<SignalReport['outcome'], { level: Level; message: string; hint?: string }>
> = {
  applied: { level: 'info', message: 'a signal was acted on' },
  unknown_subject: {
    level: 'info',
    message: 'a signal names no session of this app',
    hint: 'its user has no session here, or signed in before the option signals was set',
  },
  duplicate: { level: 'debug', message: 'a signal was repeated' },
  ignored: { level: 'debug', message: 'a signal needs no action' },
  failed: { level: 'warn', message: 'a signal could not be acted on, and is tried again' },
  dropped: {
    level: 'error',
    message: 'a signal was dropped: sessions that it names may still exist',
  },
}

/** Logs and emits what happens to signals. */
export function signalReporter(logger: Logger, events: Events) {
  return {
    report: (report: SignalReport): void => {
      const { source, type, provider, outcome, sessions, hint, user, action } = report
      const { level, message, hint: usual } = OUTCOMES[outcome]
      // The hint of a signal without effect is why this app cannot act on it.
      const isLost = hint !== undefined && ['unknown_subject', 'ignored'].includes(outcome)
      logger[isLost ? 'warn' : level](message, {
        ...{ provider, hint: hint ?? usual, source, type, sessions },
      })
      events.emit('signal', { source, type, action, provider, outcome, sessions, user, hint })
    },
    onRejected: (source: string | undefined, hint: string): void => {
      logger.warn('a signal was rejected', { hint, source })
    },
    onFailure: (source: string, error: unknown): void => {
      logger.warn('a transmitter could not be polled', { ...describeError(error), source })
    },
    onFunctionError: (source: string, error: unknown): void => {
      logger.error('the function of a webhook failed', { ...describeError(error), source })
    },
    onVerified: (source: string): void => {
      logger.info('a stream of signals is verified', { source })
    },
    onStreamStatus: (source: string, status: string): void => {
      const isEnabled = status === 'enabled'
      logger[isEnabled ? 'info' : 'error']('the transmitter has changed the status of its stream', {
        hint: isEnabled
          ? undefined
          : `the stream is ${JSON.stringify(status)}: signals no longer arrive`,
        source,
      })
    },
  }
}
