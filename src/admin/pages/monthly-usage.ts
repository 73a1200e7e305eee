import type { Administration } from '../administration.js'

/** The users who were active in a month. */
export interface MonthUsage {
  /** `YYYY-MM`, in UTC. */
  readonly month: string
  readonly users: number
}

const MONTHS = 12
/** A month that has ended does not change, but an activity of its last hour may be written late. */
const LATE_MS = 3_600_000 * 2
/** How old the number of the current month may be. */
const CURRENT_MS = 60_000

interface Counted {
  readonly users: Promise<number>
  /** Milliseconds; `Infinity` for a month that has ended. */
  readonly until: number
}

/** Counts monthly active users of the past twelve months. Each month is counted once. */
export class MonthlyUsage {
  readonly #administration: Pick<Administration, 'monthlyActiveUsers'>
  readonly #counted = new Map<string, Counted>()

  constructor(administration: Pick<Administration, 'monthlyActiveUsers'>) {
    this.#administration = administration
  }

  /** The past twelve months, the current one last. */
  async of(now: number): Promise<readonly MonthUsage[]> {
    const months = monthsUntil(now)
    for (const month of this.#counted.keys())
      if (!months.includes(month)) this.#counted.delete(month)
    const usage: MonthUsage[] = []
    // One after the other: the first view must not read twelve lists at once.
    for (const month of months) usage.push({ month, users: await this.#count(month, now) })
    return usage
  }

  async #count(month: string, now: number): Promise<number> {
    const known = this.#counted.get(month)
    if (known !== undefined && known.until > now) return known.users
    const users = this.#administration.monthlyActiveUsers(month)
    const until = endOf(month) + LATE_MS < now ? Infinity : now + CURRENT_MS
    this.#counted.set(month, { users, until })
    return users.catch((error: unknown) => {
      this.#counted.delete(month)
      throw error
    })
  }
}

/** The current month and those before it, the oldest first. */
export function monthsUntil(now: number): readonly string[] {
  const date = new Date(now)
  return Array.from({ length: MONTHS }, (_, index) =>
    new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - (MONTHS - 1) + index))
      .toISOString()
      .slice(0, 7),
  )
}

function endOf(month: string): number {
  const [year = '', number = ''] = month.split('-')
  return Date.UTC(Number(year), Number(number))
}
