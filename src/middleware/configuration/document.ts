import type { Encrypter } from '../../http/encryption.js'
import { isObject, parseJson } from '../../http/json.js'
import { readStoredChange, type StoredChange } from '../../options/stored-change.js'
import type { StoreRecord } from '../../session/stores/store.js'

/** One version of the configuration of a gate, as it is kept in the store. */
export interface StoredDocument {
  /** The option `configVersion` of the release that it was made on. */
  readonly configVersion: number
  /** Counts the changes, from 1. Never decreases. */
  readonly version: number
  /** `undefined`: the configuration of the code. */
  readonly change: StoredChange | undefined
  /** In milliseconds. */
  readonly changedAt: number
  readonly changedBy: string
  /** By the name of a provider: see `Provider.epoch`. */
  readonly epochs: Readonly<Record<string, string>>
}

/** A record that holds a document. */
export interface DocumentRow extends StoreRecord {
  readonly v: 1
  /** The document: encrypted, and bound to the place of the record. */
  readonly sealed: string
}

/** The kinds of records of documents. */
export type DocumentKind = 'config' | 'config-history' | 'config-archive'

const VERSION = 1

/**
 * The row of a document. The whole document is encrypted, so that a row that was written without the
 * secret counts for nothing.
 */
export function toRow(
  encrypter: Encrypter,
  place: { readonly kind: DocumentKind; readonly key: string; readonly group: string },
  document: StoredDocument,
  revision: number,
): DocumentRow {
  const { kind, key, group } = place
  return {
    kind,
    group,
    createdAt: document.changedAt,
    revision,
    v: VERSION,
    sealed: encrypter.encrypt('change', JSON.stringify(document), key),
  }
}

/** The document of a row, or `undefined` if it was not written with the secret for this key. */
export function fromRow(
  encrypter: Encrypter,
  key: string,
  { sealed }: Pick<DocumentRow, 'sealed'>,
): StoredDocument | undefined {
  const value = parseJson(encrypter.decrypt('change', sealed, key))
  if (!isObject(value)) return undefined
  const { configVersion, version, change, changedAt, changedBy, epochs } = value
  if (!isCount(configVersion) || !isCount(version) || typeof changedAt !== 'number')
    return undefined
  if (typeof changedBy !== 'string' || !isObject(epochs)) return undefined
  return {
    configVersion,
    version,
    change: change === undefined ? undefined : readStoredChange(change),
    changedAt,
    changedBy,
    epochs: epochs as StoredDocument['epochs'],
  }
}

/** Whether a record has the form of a row of this kind. */
export function isDocumentRow(
  row: StoreRecord | null | undefined,
  kind: DocumentKind,
): row is DocumentRow {
  const { v, sealed } = (row ?? {}) as Partial<DocumentRow>
  return (
    row?.kind === kind &&
    v === VERSION &&
    typeof sealed === 'string' &&
    Number.isSafeInteger(row.revision + 1)
  )
}

/**
 * Whether the store has an older document than one that is known: replayed, or lost and written
 * again by a process that did not know the latest. Of two with the same version, the time decides in
 * all processes alike.
 */
export function isOlder(document: StoredDocument, known: StoredDocument | undefined): boolean {
  if (known === undefined || document.version > known.version) return false
  return document.version < known.version || document.changedAt < known.changedAt
}

/** Whether two documents have the same content. */
export function isSameDocument(a: StoredDocument | undefined, b: StoredDocument): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}
