import { randomUUID } from 'node:crypto'
import { OAuthError } from '../../http/errors.js'
import { isObject, parseJson } from '../../http/json.js'
import { pageOf } from './entries-page.js'
import { type Envelope, isSessionRow, readRow, readSid } from './express-session-rows.js'
import type { EntriesPage, EntriesQuery, StoreRecord } from './store.js'

/** What {@link ExpressSessionList} depends on. */
export interface ExpressSessionListDeps {
  /** The result of `all()`. */
  readonly readAll: () => Promise<unknown>
  /** The row with this ID. */
  readonly readRow: (sid: string) => Promise<unknown>
  readonly set: (key: string, record: StoreRecord, ttl: number) => Promise<void>
  readonly delete: (key: string) => Promise<boolean>
}

const PROBE_TTL_MS = 60_000

/**
 * Lists our rows in a store made for express-session. Throws `store_not_listable` if it cannot be
 * sure that the list contains all of them.
 */
export class ExpressSessionList {
  readonly #deps: ExpressSessionListDeps
  /** Whether the list has been seen to contain one of our rows. */
  #isTested = false

  constructor(deps: ExpressSessionListDeps) {
    this.#deps = deps
  }

  async readPage(query: EntriesQuery): Promise<EntriesPage> {
    let records = await this.#readRecords()
    // Either there are no rows, or the list does not contain them: only a new row can tell.
    if (records.size === 0 && !this.#isTested) records = await this.#test()
    this.#isTested = true
    return pageOf(records, query)
  }

  async #readRecords(): Promise<Map<string, StoreRecord>> {
    const { readAll, readRow: read } = this.#deps
    const { envelopes, sids, isReadable } = findRows(await readAll())
    if (!isReadable) throw notListable('returns rows that are not sessions')
    const unlisted = await Promise.all(sids.map(async (sid) => readRow(await read(sid))))
    const found = [...envelopes, ...unlisted].filter((envelope) => envelope !== undefined)
    return new Map(found.map(({ key, record }) => [key, record]))
  }

  async #test(): Promise<Map<string, StoreRecord>> {
    const key = `probe-${randomUUID()}`
    const probe = { kind: 'probe', group: '', createdAt: Date.now(), revision: 1 }
    await this.#deps.set(key, probe, PROBE_TTL_MS)
    try {
      const records = await this.#readRecords()
      if (!records.has(key)) throw notListable('does not return a session that was just stored')
      return records
    } finally {
      await this.#deps.delete(key).catch(() => false)
    }
  }
}

function notListable(fault: string): OAuthError {
  return new OAuthError('store_not_listable', {
    hint: `all() of the store ${fault}: update the store, or use another one to list users and sessions`,
  })
}

/** What `all()` of a store returned. */
interface FoundRows {
  readonly envelopes: readonly (Envelope | undefined)[]
  /** IDs of our rows whose contents are not part of the list. */
  readonly sids: readonly string[]
  /** Whether every row is one session, or an ID. Otherwise a list would lack sessions. */
  readonly isReadable: boolean
}

/** A row, its columns, JSON in a column, and the value of a typed column. */
const MAX_LEVELS = 4

/**
 * Finds our rows in the result of `all()`. The interface defines neither the list nor its rows:
 * stores return arrays, or objects or Maps by ID, of sessions, of rows of a table, or of IDs.
 */
function findRows(result: unknown): FoundRows {
  const envelopes: (Envelope | undefined)[] = []
  const sids: string[] = []
  let isReadable = true
  for (const row of rowsOf(decode(result))) {
    const [session, second] = sessionsIn(row, MAX_LEVELS)
    const sid = session === undefined ? stringsOf(row).map(readSid).find(isPresent) : undefined
    if (second !== undefined) isReadable = false
    else if (session !== undefined) envelopes.push(readRow(session))
    else if (sid !== undefined) sids.push(sid)
    else if (isPresent(row) && typeof row !== 'string') isReadable = false
  }
  return { envelopes, sids, isReadable }
}

function rowsOf(list: unknown): readonly unknown[] {
  if (Array.isArray(list)) return list
  if (list instanceof Map) return [...list]
  if (!isObject(list)) return []
  return isSessionRow(list) ? [list] : Object.entries(list)
}

/** The sessions of express-session in a value, which may be JSON. */
function sessionsIn(value: unknown, levels: number): Record<string, unknown>[] {
  const row = decode(value)
  if (isObject(row) && isSessionRow(row)) return [row]
  if (typeof row !== 'object' || row === null || levels === 0) return []
  return Object.values(row).flatMap((member) => sessionsIn(member, levels - 1))
}

/** The strings that may be the ID of a row: the row itself, and its columns. */
function stringsOf(row: unknown): string[] {
  const members: unknown[] = typeof row === 'object' && row !== null ? Object.values(row) : [row]
  return members.filter((member) => typeof member === 'string')
}

/** Parses JSON objects and arrays, in a string or in bytes. */
function decode(value: unknown): unknown {
  const text = value instanceof Uint8Array ? Buffer.from(value).toString() : value
  return typeof text === 'string' && /^\s*[[{]/.test(text) ? (parseJson(text) ?? value) : value
}

function isPresent<T>(value: T | undefined | null): value is T {
  return value !== undefined && value !== null
}
