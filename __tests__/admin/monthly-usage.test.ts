import { describe, expect, test } from '@jest/globals'
import { scaleFor, usageChart } from '../../src/admin/pages/chart.js'
import { MonthlyUsage, monthsUntil } from '../../src/admin/pages/monthly-usage.js'

/** Counts how often each month is counted. */
function counting() {
  const counted: string[] = []
  let failing = false
  const usage = new MonthlyUsage({
    async monthlyActiveUsers(month) {
      counted.push(String(month))
      if (failing) throw new Error('down')
      return counted.length
    },
  })
  return { usage, counted, fail: (value: boolean) => void (failing = value) }
}

const now = Date.UTC(2026, 10, 28, 12)

describe('monthly active users', () => {
  test('are those of the past twelve months, across the turn of the year', () => {
    const months = monthsUntil(now)
    expect(months).toHaveLength(12)
    expect([months[0], months[1], months[11]]).toEqual(['2025-12', '2026-01', '2026-11'])
    expect(monthsUntil(Date.UTC(2026, 0, 31)).slice(-2)).toEqual(['2025-12', '2026-01'])
  })

  test('of past months are counted once, those of the current month at most once a minute', async () => {
    const { usage, counted } = counting()
    const first = await usage.of(now)
    expect(counted).toHaveLength(12)
    expect(await usage.of(now + 59_000)).toEqual(first)
    expect(counted).toHaveLength(12)
    await usage.of(now + 61_000)
    expect(counted.slice(12)).toEqual(['2026-11'])
  })

  test('of the month that has just ended are counted again: its last activity may be written late', async () => {
    const { usage, counted } = counting()
    const start = Date.UTC(2026, 11, 1)
    await usage.of(start + 1000)
    await usage.of(start + 120_000)
    expect(counted.slice(12)).toEqual(['2026-11', '2026-12'])
  })

  test('are counted again after the store was down', async () => {
    const { usage, fail } = counting()
    fail(true)
    await expect(usage.of(now)).rejects.toThrow('down')
    fail(false)
    expect(await usage.of(now)).toHaveLength(12)
  })
})

describe('the chart', () => {
  test.each([
    [1, 4],
    [4, 4],
    [7, 8],
    [41, 60],
    [55, 60],
    [999, 1000],
    [10_001, 20_000],
  ])('has an axis for %d that ends at %d', (max, top) => {
    expect(scaleFor(max)).toBe(top)
  })

  test('states all numbers for screen readers, and has no bar for a month without users', () => {
    const usage = monthsUntil(now).map((month, index) => ({ month, users: index === 0 ? 0 : 1200 }))
    const markup = usageChart(usage).toString()
    expect(markup).toContain('December 2025 0, January 2026 1,200')
    expect(markup.match(/class="bar-/g)).toHaveLength(22)
    expect(markup).not.toMatch(/NaN|Infinity|style=/)
  })
})
