import { isObject, parseJson } from '../../../http/json.js'
import type { StoreRecord } from '../store.js'

/** A record as it lies in Redis. */
export interface Row {
  readonly record: StoreRecord
  /** When it runs out, by the clock of the process that wrote it. */
  readonly until: number
}

const VERSION = 1

/** The version and the revision come first: the script that replaces a row reads no further. */
export function encodeRow(record: StoreRecord, until: number): string {
  return `{"v":${VERSION},"revision":${record.revision},"until":${until},"record":${JSON.stringify(record)}}`
}

/** `undefined` for what is no row of this version: a newer one is left for those who know it. */
export function decodeRow(text: string): Row | undefined {
  const value = parseJson(text)
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
