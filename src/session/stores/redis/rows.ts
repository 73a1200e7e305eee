import { isObject, parseJson } from '../../../http/json.js'
import type { StoreRecord } from '../store.js'

/** A record as it is stored in Redis. */
export interface Row {
  readonly record: StoreRecord
  /** When the record expires, by the clock of the process that wrote it. */
  readonly until: number
}

const VERSION = 1

/**
 * The row as JSON. Version and revision come first, because the script that replaces a row reads
 * only its beginning.
 */
export function encodeRow(record: StoreRecord, until: number): string {
  return `{"v":${VERSION},"revision":${record.revision},"until":${until},"record":${JSON.stringify(record)}}`
}

/**
 * The row, or `undefined` if it is not a row of this version: rows of newer versions are kept for
 * their releases.
 */
export function decodeRow(json: string): Row | undefined {
  const value = parseJson(json)
  if (!isObject(value) || value['v'] !== VERSION || typeof value['until'] !== 'number')
    return undefined
  const record = value['record']
  return isObject(record) && isStoreRecord(record) ? { record, until: value['until'] } : undefined
}

function isStoreRecord(
  value: Record<string, unknown>,
): value is Record<string, unknown> & StoreRecord {
  const { kind, group, createdAt, revision } = value
  return (
    typeof kind === 'string' &&
    typeof group === 'string' &&
    typeof createdAt === 'number' &&
    typeof revision === 'number'
  )
}
