import { createCache } from '../../../http/create-cache.js'
import { deepFreeze } from '../deep-freeze.js'
import { type Driver, isErrorReply } from './driver.js'
import { decodeRow, type Row } from './rows.js'

/** The row at a key, or why there is none: rows of newer releases are `unreadable`. */
export type RowResult =
  | { readonly row: Row; readonly missing?: undefined }
  | { readonly row?: undefined; readonly missing: 'gone' | 'unreadable' }

/** Rows that are kept decoded: those of the latest requests. */
const MAX_DECODED_ROWS = 1000

/** Reads rows from Redis. */
export class RowReader {
  /**
   * Decoded rows, with what Redis returned. As long as it returns the same, the object is the same,
   * so that a session is decoded and authenticated once and not at each of its requests.
   */
  readonly #decoded = createCache<{ readonly json: string; readonly row: Row }>({
    max: MAX_DECODED_ROWS,
  })
  readonly #driver: Driver
  readonly #prefix: string
  readonly #warn: (message: string) => void

  /** @param prefix Prefix of the keys of rows. */
  constructor(driver: Driver, prefix: string, warn: (message: string) => void) {
    this.#driver = driver
    this.#prefix = prefix
    this.#warn = warn
  }

  /** Reads the row at a key. */
  async fetchRow(key: string): Promise<RowResult> {
    const json = await this.#fetchJson(key)
    if (json === undefined) {
      this.#decoded.delete(key)
      return { missing: 'gone' }
    }
    const known = this.#decoded.get(key)
    if (known?.json === json) return { row: known.row }
    const row = decodeRow(json)
    if (row !== undefined) {
      this.#decoded.set(key, { json, row: deepFreeze(row) })
      return { row }
    }
    this.#warn('a row in Redis cannot be read: it is corrupt, or of a newer release')
    return { missing: 'unreadable' }
  }

  async #fetchJson(key: string): Promise<string | undefined> {
    try {
      return replyString(await this.#driver.get(this.#prefix + key))
    } catch (error) {
      if (!isErrorReply(error, 'WRONGTYPE')) throw error
      this.#warn('a row in Redis is of another type: other software writes keys with this prefix')
      return undefined
    }
  }
}

/** The string of a reply. Throws for any other reply, which must not count as a missing session. */
export function replyString(reply: unknown): string | undefined {
  if (reply === null || reply === undefined) return undefined
  if (typeof reply === 'string') return reply
  if (Buffer.isBuffer(reply)) return reply.toString('utf8')
  throw new Error('Redis returned a reply that is not a string')
}
