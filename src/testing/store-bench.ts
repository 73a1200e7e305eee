import type { Awaitable, SessionStore, StoreRecord } from '../session/stores/store.js'

/** What one check works with. */
export interface Bench {
  store: SessionStore
  ttl: number
  wait(milliseconds: number): Awaitable<void>
  /** Not used before. */
  key(): string
}

export type Check = (bench: Bench) => Promise<void>

export const HOUR = 3_600_000

export interface Sample extends StoreRecord {
  readonly word?: string
}

export function recordOf(fields: Record<string, unknown> & Partial<StoreRecord> = {}): Sample {
  return { kind: 'session', group: 'check:nobody', createdAt: 1_000, revision: 1, ...fields }
}

export async function peek(
  store: SessionStore,
  key: string,
): Promise<{ revision: number | undefined; word: string | undefined }> {
  const record = (await store.get(key)) as Sample | undefined
  return { revision: record?.revision, word: record?.word }
}

/** As JSON says it: that is all a store must keep. */
export function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
