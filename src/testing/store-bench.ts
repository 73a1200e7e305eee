import assert from 'node:assert/strict'
import type { Awaitable, SessionStore, StoreRecord } from '../session/stores/store.js'

/** The argument of a check. */
export interface Bench {
  store: SessionStore
  /** The lifetime of records that a check lets expire, in milliseconds. */
  ttl: number
  wait: (milliseconds: number) => Awaitable<void>
  /** Returns a new key. */
  key: () => string
}

/** Rejects if the store breaks the rule. */
export type Check = (bench: Bench) => Promise<void>

/** A lifetime in milliseconds that is longer than any check. */
export const HOUR = 3_600_000

/**
 * How long a store may return a record after its lifetime. Generous, because the machine may be
 * busy.
 */
const GONE_WITHIN_MS = 5_000

/** A record of a check. */
export interface Sample extends StoreRecord {
  readonly word?: string
}

/** A record with default fields. */
export function recordOf(fields: Record<string, unknown> & Partial<StoreRecord> = {}): Sample {
  return { kind: 'session', group: 'check:no-user', createdAt: 1_000, revision: 1, ...fields }
}

/** The fields of a stored record that checks compare. */
export async function peek(
  store: SessionStore,
  key: string,
): Promise<{ revision: number | undefined; word: string | undefined }> {
  const record: Sample | undefined = await store.get(key)
  return { revision: record?.revision, word: record?.word }
}

/** Polls until a record has expired. */
export async function expectExpiry({ store, ttl, wait }: Bench, key: string): Promise<void> {
  const step = ttl / 4
  for (let waited = 0; (await store.get(key)) !== undefined; waited += step) {
    assert.ok(waited < ttl + GONE_WITHIN_MS, 'the record does not expire')
    await wait(step)
  }
}

/** The value as plain JSON: a store does not have to keep anything else. */
export function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
