/** How often a connection is checked. */
export const HEARTBEAT_MS = 200
/** How long cached rows are used after the last reply: a connection may be cut without notice. */
const LEASE_MS = 1000

/** The time for which rows in memory may be used. */
export class Lease {
  #until = 0

  /** Whether the connection has received all changes up to a second ago. */
  isAlive(): boolean {
    return performance.now() < this.#until
  }

  /**
   * Redis replies in order: when a reply arrives, all changes that were sent before it have
   * arrived.
   *
   * @param sentAt When the command was sent, by `performance.now()`.
   */
  extend(sentAt: number): void {
    this.#until = Math.max(this.#until, sentAt + LEASE_MS)
  }

  /** Ends the lease immediately. */
  end(): void {
    this.#until = 0
  }
}
