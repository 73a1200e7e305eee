import { html, type Html } from '../../pages/html.js'
import { compactNumber, monthName, number, shortMonthName } from './format.js'
import type { MonthUsage } from './monthly-usage.js'

interface Size {
  readonly kind: 'wide' | 'tall'
  readonly width: number
  readonly height: number
  /** Space for the numbers of the axis. */
  readonly left: number
  /** Every how many bars there is a label. */
  readonly every: number
  readonly hasValues: boolean
}

/** The larger one is shown in wide windows, the other one on phones: text keeps its size. */
const SIZES: readonly Size[] = [
  { kind: 'wide', width: 880, height: 250, left: 44, every: 1, hasValues: true },
  { kind: 'tall', width: 300, height: 210, left: 34, every: 3, hasValues: false },
]
const TOP = 20
const BOTTOM = 26
const BAR_SHARE = 0.62
const RADIUS = 4
const LINES = 4

/** Monthly active users as bars, one per month. */
export function usageChart(usage: readonly MonthUsage[]): Html {
  const [first, last] = [usage[0], usage.at(-1)]
  const description =
    first === undefined || last === undefined
      ? ''
      : `Monthly active users from ${monthName(first.month)} to ${monthName(last.month)}: ${usage
          .map(({ month, users }) => `${monthName(month)} ${number(users)}`)
          .join(', ')}.`
  return html`<div role="img" aria-label="${description}">${SIZES.map((size) => drawing(usage, size))}</div>`
}

function drawing(usage: readonly MonthUsage[], size: Size): Html {
  const { kind, width, height, left } = size
  const top = scaleFor(Math.max(...usage.map(({ users }) => users), 1))
  const y = (users: number) => height - BOTTOM - (users / top) * (height - TOP - BOTTOM)
  const grid = Array.from({ length: LINES + 1 }, (_, index) => {
    const value = (top / LINES) * index
    return html`<path class="grid" d="M${left} ${round(y(value))}H${width}"/><text x="${left - 8}" y="${round(y(value) + 4)}" text-anchor="end">${compactNumber(value)}</text>`
  })
  const step = (width - left) / Math.max(usage.length, 1)
  const bars = usage.map((month, index) => {
    const isCurrent = index === usage.length - 1
    return bar(
      month,
      { x: left + step * index, step, y: y(month.users), isCurrent },
      size,
      usage.length - 1 - index,
    )
  })
  return html`<svg class="chart ${kind}" viewBox="0 0 ${width} ${height}" aria-hidden="true" focusable="false">${grid}${bars}</svg>`
}

interface Place {
  readonly x: number
  readonly step: number
  readonly y: number
  readonly isCurrent: boolean
}

function bar(
  { month, users }: MonthUsage,
  { x, step, y, isCurrent }: Place,
  { height, every, hasValues }: Size,
  fromEnd: number,
): Html {
  const width = step * BAR_SHARE
  const start = x + (step - width) / 2
  const middle = round(x + step / 2)
  const name = monthName(month)
  const label =
    fromEnd % every === 0 &&
    html`<text x="${middle}" y="${height - 6}" text-anchor="middle">${shortMonthName(month)}</text>`
  const value =
    hasValues &&
    users > 0 &&
    html`<text x="${middle}" y="${round(y - 6)}" text-anchor="middle">${compactNumber(users)}</text>`
  return html`<g><title>${name}: ${number(users)}</title>${
    users > 0 &&
    html`<path class="${isCurrent ? 'bar-now' : 'bar-past'}" d="${barPath(start, y, width, height - BOTTOM)}"/>`
  }${value}${label}</g>`
}

/** A rectangle with round corners at the top. */
function barPath(x: number, y: number, width: number, bottom: number): string {
  const radius = Math.min(RADIUS, width / 2, Math.max(0, bottom - y))
  return `M${round(x)} ${round(bottom)}V${round(y + radius)}q0 ${-round(radius)} ${round(radius)} ${-round(radius)}H${round(x + width - radius)}q${round(radius)} 0 ${round(radius)} ${round(radius)}V${round(bottom)}z`
}

/** The end of the axis: a round number whose quarters are integers. */
export function scaleFor(max: number): number {
  const power = 10 ** Math.floor(Math.log10(max))
  const candidates = [1, 2, 4, 6, 8, 10].map((factor) => factor * power)
  const top = candidates.find((candidate) => candidate >= max) ?? max
  return Math.ceil(top / LINES) * LINES
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
