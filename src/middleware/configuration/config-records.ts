import { sha256 } from '../../http/ids.js'
import { everyEntryAfter } from '../../session/paging.js'
import type { Awaitable, StoreRecord } from '../../session/stores/store.js'
import type { Composition } from '../composition.js'
import { type DocumentRow, fromRow, isDocumentRow, type StoredDocument, toRow } from './document.js'

/** What the store has at the key of a configuration. */
export type FoundDocument =
  | { readonly outcome: 'absent' }
  | { readonly outcome: 'unreadable' }
  | {
      readonly outcome: 'found'
      readonly row: DocumentRow
      readonly document: StoredDocument
    }

/** Ten years. Some stores cannot keep a record for much longer. */
const TTL_MS = 3650 * 86_400_000
const HISTORY_TTL_MS = 400 * 86_400_000
const LOCK_MS = 5_000
const HISTORY_PAGE = 100

/** The records of the configuration of one gate. */
export class ConfigRecords {
  /** The key of the current document. */
  readonly key: string
  readonly #parts: () => Pick<Composition, 'store' | 'encrypter'>
  /** The row that was opened last: a poll that finds it again does not decrypt it. */
  #opened: { readonly sealed: string; readonly document: StoredDocument } | undefined

  constructor(
    { id, cookiePrefix }: { readonly id: string | undefined; readonly cookiePrefix: string },
    parts: () => Pick<Composition, 'store' | 'encrypter'>,
  ) {
    this.key = `config-${sha256(id === undefined ? `prefix ${cookiePrefix}` : `id ${id}`)}`
    this.#parts = parts
  }

  /** The current document. Synchronous when the store is. */
  read(): Awaitable<FoundDocument> {
    const row = this.#parts().store.get(this.key)
    return row instanceof Promise ? row.then((read) => this.#open(read)) : this.#open(row)
  }

  /** Whether an update replaces exactly the record that was read. */
  get isAtomic(): boolean {
    return this.#parts().store.isAtomic
  }

  /** Whether the first secret encrypted the row. */
  isCurrent({ sealed }: DocumentRow): boolean {
    return this.#parts().encrypter.isCurrent(sealed)
  }

  /** The last document of an earlier release. */
  async readArchived(configVersion: number): Promise<StoredDocument | undefined> {
    const key = this.#archiveKey(configVersion)
    const { store, encrypter } = this.#parts()
    const row = await store.get(key)
    if (!isDocumentRow(row, 'config-archive')) return undefined
    return openOrIgnore(() => fromRow(encrypter, key, row))
  }

  /**
   * Replaces the current document if it is still the one that was found. Returns whether it is
   * stored.
   */
  async replace(found: FoundDocument, document: StoredDocument): Promise<boolean> {
    if (found.outcome === 'found') return this.#update(found.row, document)
    return found.outcome === 'absent' && this.#create(document)
  }

  /** Keeps a document that is about to be replaced. May be repeated. */
  async keepInHistory(document: StoredDocument, ttlMs = HISTORY_TTL_MS): Promise<void> {
    const content = sha256(JSON.stringify(document)).slice(0, 8)
    const key = `${this.key}-h${document.version}-${content}`
    const { store, encrypter } = this.#parts()
    const place = { kind: 'config-history', key, group: this.key } as const
    await store.set(key, toRow(encrypter, place, document, 1), ttlMs)
  }

  /** Keeps the last document of a release that another one replaces. May be repeated. */
  async archive(document: StoredDocument): Promise<void> {
    const key = this.#archiveKey(document.configVersion)
    const { store, encrypter } = this.#parts()
    const place = { kind: 'config-archive', key, group: this.key } as const
    await this.keepInHistory(document)
    await store.set(key, toRow(encrypter, place, document, 1), TTL_MS)
  }

  /** The documents that were replaced, newest first. */
  async *history(): AsyncGenerator<StoredDocument> {
    const { store, encrypter } = this.#parts()
    const query = { kind: 'config-history', group: this.key, size: HISTORY_PAGE }
    for await (const [key, row] of everyEntryAfter(store, query)) {
      const document = isDocumentRow(row, 'config-history')
        ? openOrIgnore(() => fromRow(encrypter, key, row))
        : undefined
      if (document !== undefined) yield document
    }
  }

  #open(row: StoreRecord | null | undefined): FoundDocument {
    if (row === undefined || row === null) return { outcome: 'absent' }
    if (!isDocumentRow(row, 'config')) return { outcome: 'unreadable' }
    const { sealed } = row
    const document =
      this.#opened?.sealed === sealed
        ? this.#opened.document
        : openOrIgnore(() => fromRow(this.#parts().encrypter, this.key, row))
    if (document === undefined) return { outcome: 'unreadable' }
    this.#opened = { sealed, document }
    return { outcome: 'found', row, document }
  }

  async #update({ revision }: DocumentRow, document: StoredDocument): Promise<boolean> {
    return this.#parts().store.update(this.key, this.#rowOf(document, revision + 1), TTL_MS)
  }

  /** Under a lock, because stores cannot create a record only if it does not exist. */
  async #create(document: StoredDocument): Promise<boolean> {
    const { store } = this.#parts()
    const unlock = store.lock ? await store.lock(`create-${this.key}`, LOCK_MS) : () => undefined
    if (unlock === undefined) return false
    try {
      const row = await store.get(this.key)
      if (row !== undefined && row !== null) return false
      await store.set(this.key, this.#rowOf(document, 1), TTL_MS)
      return true
    } finally {
      // A lock that cannot be released expires.
      await Promise.resolve()
        .then(unlock)
        .catch(() => undefined)
    }
  }

  #rowOf(document: StoredDocument, revision: number): DocumentRow {
    const place = { kind: 'config', key: this.key, group: '' } as const
    return toRow(this.#parts().encrypter, place, document, revision)
  }

  #archiveKey(configVersion: number): string {
    return `${this.key}-${configVersion}`
  }
}

/** A document of a later release may contain what this one does not know. */
function openOrIgnore(open: () => StoredDocument | undefined): StoredDocument | undefined {
  try {
    return open()
  } catch {
    return undefined
  }
}
