import type { Delivery } from './signal.js'

/** A delivery that could not be acted on yet. */
interface Pending {
  readonly delivery: Delivery
  readonly since: number
}

/** What has become of a delivery. */
export type Outcome = 'accepted' | 'duplicate'

/** State of `SignalInbox`. Outlives a configuration. */
export interface InboxState {
  /** Deliveries that are being acted on, by source and ID. */
  readonly running: Map<string, Promise<Outcome>>
  /** Deliveries to try again, the oldest first. */
  readonly pending: Map<string, Pending>
  timer: NodeJS.Timeout | undefined
  failures: number
  /** The inbox of the current configuration. */
  current: { retry(): Promise<void> } | undefined
}

/** Empty state for `SignalInbox`. */
export function createInboxState(): InboxState {
  return {
    running: new Map(),
    pending: new Map(),
    timer: undefined,
    failures: 0,
    current: undefined,
  }
}
