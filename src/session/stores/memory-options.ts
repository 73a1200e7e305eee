import type { Field } from '../../schema/field.js'
import { parseFields } from '../../schema/read-fields.js'
import { integer } from '../../schema/types.js'

/**
 * Limits of `memoryStore()`. They apply to sessions. Records of other kinds (users, activity
 * per month, identifiers of providers) are limited to 64 MiB per kind.
 */
export interface MemoryStoreOptions {
  /**
   * Maximum number of sessions. When the store is full, expired sessions are removed first, then
   * the least recently used one. Default 10,000.
   */
  maxEntries?: number | undefined
  /**
   * Maximum size of all sessions together, in bytes, approximately. Default 67,108,864 (64 MiB).
   */
  maxBytes?: number | undefined
  /**
   * Maximum number of sessions per user, so that the logins of one account cannot remove the
   * sessions of others. A further login removes the user's oldest session, without an event: the
   * option `sessionsPerUser` usually applies first. Default 200.
   */
  maxPerUser?: number | undefined
}

/** The options of `memoryStore()` with their defaults. */
export type MemoryLimits = Required<{ [K in keyof MemoryStoreOptions]: number }>

const memoryStoreFields = {
  maxEntries: integer().default(10_000),
  maxBytes: integer().default(64 * 1024 * 1024),
  maxPerUser: integer().default(200),
} satisfies Record<keyof MemoryStoreOptions, Field>

/** Validates the options. Throws a `TypeError` that lists all mistakes. */
export function parseMemoryOptions(options: MemoryStoreOptions): MemoryLimits {
  return parseFields(memoryStoreFields, options, 'memoryStore()')
}
