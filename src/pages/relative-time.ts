const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const MONTH = 30 * DAY
const YEAR = 365 * DAY

const UNITS: readonly (readonly [limit: number, length: number, Intl.RelativeTimeFormatUnit])[] = [
  [HOUR, MINUTE, 'minute'],
  [DAY, HOUR, 'hour'],
  [MONTH, DAY, 'day'],
  [YEAR, MONTH, 'month'],
]

/** A format for {@link relativeTime} in a language, or in English if there is none for it. */
export function relativeFormat(lang: string): Intl.RelativeTimeFormat {
  try {
    return new Intl.RelativeTimeFormat([lang, 'en'], { numeric: 'auto' })
  } catch {
    return new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
  }
}

/** The distance of a time from now, as in `3 hours ago` or `in 2 days`. */
export function relativeTime(at: number, now: number, format: Intl.RelativeTimeFormat): string {
  const difference = at - now
  const distance = Math.abs(difference)
  if (distance < MINUTE) return format.format(0, 'second')
  const [, length, unit] = UNITS.find(([limit]) => distance < limit) ?? [0, YEAR, 'year']
  return format.format(Math.trunc(difference / length), unit)
}
