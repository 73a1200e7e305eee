import { looksLikeMilliseconds } from '../schema/types.js'
import type { ConfigDraft } from './config.js'
import type { Logger } from './options.js'

const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
]

/** A duration in words, as in `90 s`, `5 min`, `24 h`, or `41 d 16 h`: at most two units. */
export function durationInWords(ms: number): string {
  // From two on: `24 h` reads better than `1 d`.
  const [unit, next] = UNITS.filter((one) => ms >= 2 * one.ms)
  if (unit === undefined) return `${ms / 1000} s`
  const rest = Math.floor((ms % unit.ms) / (next?.ms ?? 1000))
  return `${Math.floor(ms / unit.ms)} ${unit.name}${rest === 0 ? '' : ` ${rest} ${next?.name ?? 's'}`}`
}

type Durations = Pick<
  ConfigDraft,
  'authCheckIntervalMs' | 'maximumDurationMs' | 'inactivityTimeoutMs'
>

/**
 * States in words when users are checked again and signed out; `undefined` if there is nothing to
 * state. In production, states that sessions never end.
 */
export function describeDurations(
  { authCheckIntervalMs, maximumDurationMs, inactivityTimeoutMs }: Durations,
  isProduction: boolean,
): string | undefined {
  const isEndless = maximumDurationMs === 0 && inactivityTimeoutMs === 0
  if (authCheckIntervalMs === 0 && isEndless && !isProduction) return undefined
  const check =
    authCheckIntervalMs > 0
      ? `re-checked every ${durationInWords(authCheckIntervalMs)}`
      : 'checked only at login'
  const ends = [
    ...(maximumDurationMs > 0 ? [`after ${durationInWords(maximumDurationMs)}`] : []),
    ...(inactivityTimeoutMs > 0
      ? [`after ${durationInWords(inactivityTimeoutMs)} without a request`]
      : []),
  ]
  if (!isEndless) return `users are ${check}, signed out ${ends.join(' or ')}`
  return isProduction
    ? `users are ${check}; sessions never end: set maximumDuration or inactivityTimeout`
    : `users are ${check}`
}

/** Warns of durations that were probably meant in milliseconds. */
export function warnOfMilliseconds(
  logger: Logger,
  durations: Readonly<Record<string, number | undefined>>,
): void {
  for (const [name, ms = 0] of Object.entries(durations))
    if (looksLikeMilliseconds(ms / 1000))
      logger.warn(
        `${name} looks like milliseconds, but it is in seconds: it means ${durationInWords(ms)}`,
      )
}
