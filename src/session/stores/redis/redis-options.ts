import type { Field } from '../../../schema/field.js'
import { parseFields } from '../../../schema/read-fields.js'
import { custom, func, integer, object, string } from '../../../schema/types.js'
import type { NearCacheOptions } from './near-cache.js'

/** Options of `redisStore()`. */
export interface RedisStoreOptions {
  /**
   * Prefix of every key, up to 128 visible ASCII characters. A hash tag, as in `'{app}:'`, keeps
   * all keys in one slot of a cluster. Default `'oauth-module:'`.
   */
  prefix?: string | undefined
  /**
   * Whether to keep rows in memory and have Redis send every change. It requires ioredis with a
   * single server or Sentinel, and Redis 6 or later. With node-redis, set `clientSideCache` on the
   * client instead. Default `false`.
   */
  nearCache?: boolean | NearCacheOptions | undefined
  /**
   * Called once for each problem that does not fail an operation. Default: `process.emitWarning()`.
   */
  onWarning?: ((message: string) => void) | undefined
}

/** The options of `redisStore()` with their defaults. */
export interface RedisStoreConfig {
  readonly prefix: string
  readonly nearCache: Required<{ [K in keyof NearCacheOptions]: number }> | undefined
  readonly onWarning: (message: string) => void
}

const nearCacheField = object({
  maxEntries: integer().default(10_000),
} satisfies Record<keyof NearCacheOptions, Field>).default({})

const redisStoreFields = {
  prefix: string({
    pattern: /^[\x21-\x7e]+$/,
    fix: 'must contain only visible ASCII characters',
    max: 128,
  }).default('oauth-module:'),
  nearCache: custom((value, mistakes) => {
    if (value === false || value === null) return false
    return value === true ? nearCacheField.details.absent : nearCacheField.parse(value, mistakes)
  }),
  onWarning: func<NonNullable<RedisStoreOptions['onWarning']>>(),
} satisfies Record<keyof RedisStoreOptions, Field>

/** Validates the options. Throws a `TypeError` that lists all mistakes. */
export function parseRedisOptions(options: RedisStoreOptions): RedisStoreConfig {
  const values = parseFields(redisStoreFields, options, 'redisStore')
  return {
    prefix: values.prefix,
    nearCache: values.nearCache === false ? undefined : values.nearCache,
    onWarning: values.onWarning ?? warnProcess,
  }
}

function warnProcess(message: string): void {
  process.emitWarning(message, { type: 'OAuthModuleWarning' })
}
