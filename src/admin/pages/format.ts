import { html, type Html } from '../../pages/html.js'
import { relativeFormat, relativeTime } from '../../pages/relative-time.js'

const relative = relativeFormat('en')
const numbers = new Intl.NumberFormat('en')
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const exact = new Intl.DateTimeFormat('en-GB', {
  ...{ dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' },
})
const months = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric', timeZone: 'UTC' })
const shortMonths = new Intl.DateTimeFormat('en', { month: 'short', timeZone: 'UTC' })
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** A time as the distance from now, with the exact one as title. */
export function time(at: number | undefined, now: number): Html {
  if (at === undefined || !Number.isFinite(at)) return html`<span class="quiet">–</span>`
  const date = new Date(at)
  const title = `${exact.format(date)} UTC`
  return html`<time datetime="${date.toISOString()}" title="${title}">${relativeTime(at, now, relative)}</time>`
}

/** A time in full. */
export function exactTime(at: number | undefined): Html {
  if (at === undefined || !Number.isFinite(at)) return html`<span class="quiet">–</span>`
  const date = new Date(at)
  return html`<time datetime="${date.toISOString()}">${exact.format(date)} UTC</time>`
}

/** `12,345` */
export function number(value: number): string {
  return numbers.format(value)
}

/** `12.3K` */
export function compactNumber(value: number): string {
  return compact.format(value)
}

/** `November 2026` for `2026-11`. */
export function monthName(month: string): string {
  return months.format(new Date(`${month}-01T00:00:00Z`))
}

/** `Nov` for `2026-11`. */
export function shortMonthName(month: string): string {
  return shortMonths.format(new Date(`${month}-01T00:00:00Z`))
}

/** Plural of regular nouns: `1 session`, `2 sessions`. */
export function count(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** Up to two letters for a name, in any script. */
export function initials(name: string): string {
  const words = name.split(/[\s@._-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word))
  const [first, ...others] = words
  const last = others.at(-1)
  return [first, last].map((word) => (word === undefined ? '' : firstLetter(word))).join('')
}

function firstLetter(word: string): string {
  for (const { segment } of graphemes.segment(word.slice(0, 32)))
    // A letter can have any number of combining marks.
    if (/[\p{L}\p{N}]/u.test(segment)) return segment.slice(0, 8).toLocaleUpperCase('en')
  return ''
}
