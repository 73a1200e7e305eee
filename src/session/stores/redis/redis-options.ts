import { readOptions } from '../../../schema.js'
import type { NearCacheOptions } from './near-cache.js'

/** Options of `redisStore()`. */
export interface RedisStoreOptions {
  /**
   * The beginning of every key, up to 128 visible ASCII characters. A hash tag, as in `'{app}:'`, keeps all keys in one
   * slot of a cluster. Default `'oauth-module:'`.
   */
  prefix?: string | undefined
  /**
   * Whether to keep rows in memory and have Redis send every change. It requires ioredis with a single server or Sentinel,
   * and Redis 6 or later. With node-redis, set `clientSideCache` on the client instead. Default `false`.
   */
  nearCache?: boolean | NearCacheOptions | undefined
  /** Called once per problem that does not fail an operation. Default: a warning of the process. */
  onWarning?: ((message: string) => void) | undefined
}

/** The options of `redisStore()` with their defaults. */
export interface RedisStoreConfig {
  readonly prefix: string
  readonly nearCache: Required<{ [K in keyof NearCacheOptions]: number }> | undefined
  readonly onWarning: (message: string) => void
}

const DEFAULT_PREFIX = 'oauth-module:'
const DEFAULT_NEAR_CACHE_ENTRIES = 10_000

/** Validates the options. Throws a `TypeError` that names the option. */
export function parseRedisOptions(options: RedisStoreOptions): RedisStoreConfig {
  const read = readOptions(options, 'redisStore')
  read.only(['prefix', 'nearCache', 'onWarning'])
  const nearCache = read.value('nearCache') ?? false
  const near =
    typeof nearCache === 'boolean' ? (nearCache ? {} : undefined) : (nearCache as NearCacheOptions)
  if (typeof nearCache !== 'boolean') read.object('nearCache')?.only(['maxEntries'])
  const maxEntries = near?.maxEntries ?? DEFAULT_NEAR_CACHE_ENTRIES
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1)
    read.fail('nearCache.maxEntries', 'must be a whole number above 0')
  return {
    prefix:
      read.text('prefix', {
        pattern: /^[\x21-\x7e]+$/,
        cure: 'must contain only visible ASCII characters',
        max: 128,
      }) ?? DEFAULT_PREFIX,
    nearCache: near && { maxEntries },
    onWarning: (read.function('onWarning') as RedisStoreOptions['onWarning']) ?? warnProcess,
  }
}

function warnProcess(message: string): void {
  process.emitWarning(message, { type: 'OAuthModuleWarning' })
}
