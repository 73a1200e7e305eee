import type { LRUCache } from 'lru-cache'
import { createCache } from '../http/create-cache.js'
import type { VerifiedValues } from './bound-cookies.js'

/** State of device-bound sessions in this process. Outlives a configuration. */
export interface BindingState {
  /** Challenges that were used. */
  readonly used: LRUCache<string, true>
  readonly verified: VerifiedValues
  /** Sessions in cookies that a request after the login offered to bind, by key. */
  readonly offered: LRUCache<string, true>
  /** How often sessions were renewed since when, by key. */
  readonly renewals: LRUCache<string, { readonly since: number; readonly count: number }>
  /** When a redirect last had the browser of a session renew its cookie, by key of the session. */
  readonly recoveries: LRUCache<string, number>
}

const MAX_USED = 50_000
const MAX_VERIFIED = 20_000
const MAX_OFFERED = 10_000
const MAX_RENEWED = 20_000
const MAX_RECOVERIES = 10_000

/** Empty state for `DeviceBinding`. */
export function createBindingState(): BindingState {
  return {
    used: createCache({ max: MAX_USED }),
    verified: createCache({ max: MAX_VERIFIED }),
    offered: createCache({ max: MAX_OFFERED }),
    renewals: createCache({ max: MAX_RENEWED }),
    recoveries: createCache({ max: MAX_RECOVERIES }),
  }
}
