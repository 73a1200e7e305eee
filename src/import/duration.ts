const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
}

/** The longest duration of an option: one year. */
export const MAX_SECONDS = 365 * 86_400

/**
 * Whole seconds of a number of seconds, or of a string as in `'90'`, `'4h'` or `'1h30m'`;
 * `undefined` for anything else. Fractions of a second are rounded up.
 * https://pkg.go.dev/time#ParseDuration
 */
export function parseSeconds(value: unknown): number | undefined {
  const seconds = typeof value === 'string' ? secondsIn(value.trim()) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0
    ? Math.ceil(seconds)
    : undefined
}

function secondsIn(duration: string): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(duration)) return Number(duration)
  const part = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/y
  let seconds = 0
  while (part.lastIndex < duration.length) {
    const found = part.exec(duration)
    if (found === null) return undefined
    seconds += Number(found[1]) * (UNITS[found[2] ?? ''] ?? Number.NaN)
  }
  return duration === '' ? undefined : seconds
}
