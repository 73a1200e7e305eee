import { isObject, parseJson } from '../../http/json.js'
import type { StoreRecord } from './store.js'

/**
 * The content of a row, in addition to the cookie that express-session requires. Stored as a JSON
 * string, so that no store converts dates or drops empty fields.
 */
export interface Envelope {
  readonly v: 1
  readonly key: string
  /** When the record expires: stores round the time, or use their own. */
  readonly until: number
  readonly record: StoreRecord
}

const VERSION = 1
const MEMBER = 'oauthModule'
/** Some stores round the time down to seconds. */
const ROUNDING_MS = 1000

/**
 * The session ID of a row: it differs from the IDs of the app's own sessions. Some stores use it as
 * a file name.
 */
export function sidOf(key: string): string {
  return `oauth-module.${key.replaceAll(':', '.')}`
}

/** The ID of one of our rows, if the string is one. Some stores list it with a prefix. */
export function readSid(value: string): string | undefined {
  return /(?:^|[:/])(oauth-module\.[A-Za-z0-9._-]{1,100})$/.exec(value)?.[1]
}

/** Whether an object is a session of express-session: one of the app, or one of our rows. */
export function isSessionRow(row: Record<string, unknown>): boolean {
  return MEMBER in row || isObject(row['cookie'])
}

/** The row of a record, in the form of a session of express-session. */
export function rowOf(key: string, record: StoreRecord, ttl: number): object {
  const until = Date.now() + ttl
  const envelope: Envelope = { v: VERSION, key, until, record }
  return { cookie: cookieOf(until + ROUNDING_MS), [MEMBER]: JSON.stringify(envelope) }
}

/**
 * The envelope of an unexpired row; `undefined` for other sessions, and for rows of other versions.
 */
export function readRow(row: unknown): Envelope | undefined {
  const json = isObject(row) ? row[MEMBER] : undefined
  if (typeof json !== 'string') return undefined
  const envelope = parseJson(json)
  if (!isObject(envelope) || envelope['v'] !== VERSION || typeof envelope['key'] !== 'string')
    return undefined
  const { until, record } = envelope
  if (typeof until !== 'number' || until <= Date.now() || !isObject(record)) return undefined
  return envelope as unknown as Envelope
}

/** The cookie of a row. Stores read the expiry from different members. */
function cookieOf(expiresAt: number): object {
  const originalMaxAge = Math.ceil(expiresAt - Date.now())
  const fields = { originalMaxAge, expires: new Date(expiresAt), httpOnly: true, path: '/' }
  return {
    ...fields,
    get maxAge() {
      return expiresAt - Date.now()
    },
    toJSON: () => ({ ...fields, maxAge: originalMaxAge }),
  }
}
