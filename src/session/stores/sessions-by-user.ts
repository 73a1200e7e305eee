/** The keys of each user's sessions, in the order of their latest write. */
export class SessionsByUser {
  /** A set only for users with several sessions: most have one, and a set takes 150 bytes. */
  readonly #keys = new Map<string, string | Set<string>>()

  /** Adds a session, unless the user already has it. */
  add(user: string, key: string): void {
    const keys = this.#keys.get(user)
    if (keys === undefined) this.#keys.set(user, key)
    else if (typeof keys !== 'string') keys.add(key)
    else if (keys !== key) this.#keys.set(user, new Set([keys, key]))
  }

  /** Removes a session. */
  remove(user: string, key: string): void {
    const keys = this.#keys.get(user)
    if (typeof keys === 'string') {
      if (keys === key) this.#keys.delete(user)
    } else if (keys?.delete(key) === true && keys.size === 0) this.#keys.delete(user)
  }

  /** The number of the user's sessions. */
  count(user: string): number {
    const keys = this.#keys.get(user)
    return typeof keys === 'string' ? 1 : (keys?.size ?? 0)
  }

  /** The session whose latest write is the oldest. */
  oldestOf(user: string): string | undefined {
    const keys = this.#keys.get(user)
    return typeof keys === 'string' ? keys : keys?.values().next().value
  }
}
