export type { IoRedisClient, NodeRedisClient, RedisClient } from './driver.js'
export type { NearCacheOptions } from './near-cache.js'
export type { RedisStoreOptions } from './redis-options.js'
export { redisStore } from './redis-store.js'
export type {
  Awaitable,
  CountQuery,
  EntriesPage,
  EntriesQuery,
  SessionStore,
  StoreRecord,
  Unlock,
  Unwatch,
} from '../store.js'
