export type { IoRedisClient, NodeRedisClient, RedisClient } from './driver.js'
export type { NearCacheOptions } from './near-cache.js'
export type { RedisStoreOptions } from './redis-options.js'
export { redisStore } from './redis-store.js'
export type {
  Awaitable,
  EntriesPage,
  EntriesQuery,
  SessionStore,
  StoreRecord,
  Unlock,
} from '../store.js'
