import type { LRUCache } from 'lru-cache'
import type { Background } from '../http/background.js'
import { createCache } from '../http/create-cache.js'
import { sha256 } from '../http/ids.js'
import type { UserProfile } from '../access/user.js'
import { MAX_SESSION_MS } from './lifetimes.js'
import { everyEntry } from './paging.js'
import type { OpenSession } from './sessions.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { StoreRecord } from './stores/store.js'
import { readRecord, userKey, type UserRecord } from './user-record.js'
import type { UserRecords } from './user-records.js'

/**
 * When the activity of a user was last recorded, by user key; milliseconds. Outlives a
 * configuration.
 */
export type UserActivityState = LRUCache<string, number>

/** Empty state for {@link UserActivity}. */
export function createUserActivityState(): UserActivityState {
  return createCache({ max: 10_000 })
}

/** What {@link UserActivity} depends on. */
export interface UserActivityDeps {
  readonly store: GuardedStore
  readonly records: UserRecords
  readonly state: UserActivityState
  /** For writes that no response waits for. */
  readonly background: Background
  /** The issuer of a provider, or an empty string. */
  readonly providerUrl: (provider: string) => string
}

const WRITE_INTERVAL_MS = 3_600_000

/**
 * Records who signed in and who was active in which month. The activity of a user is written at
 * most once per hour.
 */
export class UserActivity {
  readonly #store: GuardedStore
  readonly #recordedAt: UserActivityState
  readonly #records: UserRecords
  readonly #background: Background
  readonly #providerUrl: (provider: string) => string
  #month = { start: 0, end: 0 }

  constructor({ store, records, state, background, providerUrl }: UserActivityDeps) {
    this.#store = store
    this.#records = records
    this.#recordedAt = state
    this.#background = background
    this.#providerUrl = providerUrl
  }

  /**
   * Creates or updates the record of a user who has just signed in, and appends the session.
   * Restores a user who was deleted in the meantime. Returns the record.
   */
  async recordLogin({ key, record }: OpenSession, now: number): Promise<UserRecord | undefined> {
    const { user, instance } = record
    this.#recordedAt.set(user.key, now)
    // The month comes first: a user record of this month means that the user is counted.
    await this.#writeMonth(user, monthOf(now), now)
    return this.#records.change(user.key, (present) => ({
      ...this.#record(user, now, true, present),
      sessions: [...(present?.sessions ?? []), [instance, key]],
    }))
  }

  /**
   * Records a request. Writes in the background, if the last write was in an earlier hour or month.
   */
  recordActivity(user: UserProfile, now: number): void {
    const recordedAt = this.#recordedAt.get(user.key) ?? 0
    if (now - recordedAt < WRITE_INTERVAL_MS && recordedAt >= this.#monthStart(now)) return
    this.#recordedAt.set(user.key, now)
    this.#background.run(this.#writeActivity(user, now))
  }

  /** Removes a deleted user from the memory of this process. */
  forget(id: string): void {
    this.#recordedAt.delete(id)
  }

  /**
   * The number of users who were active in a month. Throws `store_not_listable` if the store cannot
   * list.
   */
  async countMonth(month = monthOf(Date.now())): Promise<number> {
    if (!/^\d{4}-(?:0[1-9]|1[0-2])$/.test(month))
      throw new TypeError("month must have the form 'YYYY-MM'")
    if (this.#store.count) return this.#store.count({ kind: 'active', group: month })
    let count = 0
    for await (const _ of everyEntry(this.#store, 'active', month)) count++
    return count
  }

  /** Start of the month. Cached, because every request compares it. */
  #monthStart(now: number): number {
    if (now < this.#month.start || now >= this.#month.end) {
      const date = new Date(now)
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
      this.#month = { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) }
    }
    return this.#month.start
  }

  async #writeActivity(user: UserProfile, now: number): Promise<void> {
    try {
      await this.#write(user, now)
    } catch (error) {
      this.#recordedAt.delete(user.key)
      throw error
    }
  }

  async #write(user: UserProfile, now: number): Promise<void> {
    const key = userKey(user.key)
    const present = await readRecord<UserRecord>(this.#store, key, 'user')
    const month = monthOf(now)
    // Another process, or this one before a restart, may have written it already.
    const isWritten =
      present !== undefined &&
      now - present.user.lastActive < WRITE_INTERVAL_MS &&
      monthOf(present.user.lastActive) === month
    if (isWritten) return
    await this.#writeMonth(user, month, now)
    // A login restores a user who was deleted in the meantime; activity does not.
    if (present === undefined) return
    await this.#store.update(key, this.#record(user, now, false, present), MAX_SESSION_MS)
  }

  async #writeMonth(user: UserProfile, month: string, now: number): Promise<void> {
    const key = `active-${month}-${sha256(user.key)}`
    if ((await readRecord(this.#store, key, 'active')) !== undefined) return
    const active: StoreRecord = { kind: 'active', group: month, createdAt: now, revision: 1 }
    await this.#store.set(key, active, MAX_SESSION_MS)
  }

  /** Keeps the fields that a later release has added. */
  #record(
    user: UserProfile,
    now: number,
    isLogin: boolean,
    present: UserRecord | undefined,
  ): UserRecord {
    const createdAt = present?.createdAt ?? now
    return {
      ...present,
      kind: 'user',
      group: user.provider,
      createdAt,
      revision: (present?.revision ?? 0) + 1,
      user: {
        ...present?.user,
        id: user.key,
        identityProvider: { name: user.provider, url: this.#providerUrl(user.provider) },
        providerUserId: user.id,
        username: user.username,
        email: user.email,
        name: user.name,
        createdAt,
        lastActive: now,
        lastLogin: isLogin ? now : (present?.user.lastLogin ?? now),
      },
    }
  }
}

function monthOf(time: number): string {
  return new Date(time).toISOString().slice(0, 7)
}
