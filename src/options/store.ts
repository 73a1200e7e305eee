import { custom } from '../schema/types.js'
import {
  type ExpressSessionStore,
  ExpressSessionStoreAdapter,
  isExpressSessionStore,
  isRedisClient,
} from '../session/stores/express-session-store.js'
import type { SessionStore } from '../session/stores/store.js'

const REQUIRED_METHODS = ['get', 'set', 'update', 'delete'] as const

/** The option `store`: a store of this package, a custom one, or an express-session store. */
export const storeField = custom<SessionStore | ExpressSessionStore>((store, mistakes) => {
  if (isExpressSessionStore(store)) return store
  if (isRedisClient(store))
    return mistakes.add(
      "is a Redis client, not a session store: pass it to redisStore() of 'oauth-module/redis'",
    )
  const missing = REQUIRED_METHODS.filter((method) => !hasMethod(store, method))
  return missing.length === 0
    ? (store as SessionStore)
    : mistakes.add(
        `is not a session store: it lacks ${missing.join(', ')}. Call memoryStore() or cookieStore(), wrap a Redis client in redisStore() of oauth-module/redis, or pass an instance of an express-session store`,
      )
})

function hasMethod(value: unknown, method: string): boolean {
  return typeof (value as Record<string, unknown> | null)?.[method] === 'function'
}

/** The store that sessions use; `timeoutMs` is for one operation. */
export function toSessionStore(
  store: SessionStore | ExpressSessionStore | undefined,
  timeoutMs: number,
): SessionStore | undefined {
  return isExpressSessionStore(store) ? new ExpressSessionStoreAdapter(store, timeoutMs) : store
}
