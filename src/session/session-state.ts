import type { LRUCache } from 'lru-cache'
import { createCache } from '../http/create-cache.js'
import type { SeenPlaces } from '../http/places.js'
import type { ActivityState } from './session-activity.js'
import type { AnonymousReason } from './session-result.js'
import type { OpenSession } from './open-session.js'

/** State of sessions in this process. Outlives a configuration. */
export interface SessionState {
  readonly activity: ActivityState
  /** Where sessions were used, as far as it may not be written yet. */
  readonly seen: LRUCache<string, SeenPlaces>
  /** User agents of sessions. */
  readonly texts: LRUCache<string, string>
  /** Sessions that this process ended, with the reason for their next request. */
  readonly ended: LRUCache<string, AnonymousReason>
  /** Cookie sessions of which this process has a newer revision than the browser may send. */
  readonly newer: LRUCache<string, OpenSession>
}

const MAX_ACTIVE_SESSIONS = 50_000
const MAX_MOVED_SESSIONS = 10_000
const MAX_TEXTS = 1_000
const MAX_ENDED_SESSIONS = 10_000
const MAX_NEWER_SESSIONS = 1_000

/** Empty state for `Sessions`. */
export function createSessionState(): SessionState {
  return {
    activity: createCache({ max: MAX_ACTIVE_SESSIONS }),
    seen: createCache({ max: MAX_MOVED_SESSIONS }),
    texts: createCache({ max: MAX_TEXTS }),
    ended: createCache({ max: MAX_ENDED_SESSIONS }),
    newer: createCache({ max: MAX_NEWER_SESSIONS }),
  }
}
