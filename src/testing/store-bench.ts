import assert from 'node:assert/strict'
import type { Awaitable, SessionStore, StoreRecord } from '../session/stores/store.js'

/** What one check works with. */
export interface Bench {
  store: SessionStore
  /** The life of a record that a check lets expire, in milliseconds. */
  ttl: number
  wait: (milliseconds: number) => Awaitable<void>
  /** Returns a new key. */
  key: () => string
}

/** Rejects if the store breaks the rule. */
export type Check = (bench: Bench) => Promise<void>

/** In milliseconds: a life that no check outlasts. */
export const HOUR = 3_600_000

/** How long a store may take beyond a record's life. Generous: the machine may be busy. */
const GONE_WITHIN_MS = 5_000

export interface Sample extends StoreRecord {
  readonly word?: string
}

export function recordOf(fields: Record<string, unknown> & Partial<StoreRecord> = {}): Sample {
  return { kind: 'session', group: 'check:nobody', createdAt: 1_000, revision: 1, ...fields }
}

/** The fields of a stored record that checks compare. */
export async function peek(
  store: SessionStore,
  key: string,
): Promise<{ revision: number | undefined; word: string | undefined }> {
  const record: Sample | undefined = await store.get(key)
  return { revision: record?.revision, word: record?.word }
}

/** Reads a record again and again until it has expired. */
export async function expectExpiry({ store, ttl, wait }: Bench, key: string): Promise<void> {
  const step = ttl / 4
  for (let waited = 0; (await store.get(key)) !== undefined; waited += step) {
    assert.ok(waited < ttl + GONE_WITHIN_MS, 'the record does not expire')
    await wait(step)
  }
}

/** The value as JSON, which is all that a store must keep. */
export function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
