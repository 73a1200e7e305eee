/** The keys of each user's sessions, in the order of their latest write. */
export class SessionsByUser {
  readonly #keys = new Map<string, Set<string>>()

  /** Adds a session, unless the user already has it. */
  add(user: string, key: string): void {
    const keys = this.#keys.get(user)
    if (keys === undefined) this.#keys.set(user, new Set([key]))
    else keys.add(key)
  }

  /** Removes a session. */
  remove(user: string, key: string): void {
    const keys = this.#keys.get(user)
    if (keys?.delete(key) === true && keys.size === 0) this.#keys.delete(user)
  }

  /** The number of the user's sessions. */
  count(user: string): number {
    return this.#keys.get(user)?.size ?? 0
  }

  /** The session whose latest write is the oldest. */
  oldestOf(user: string): string | undefined {
    return this.#keys.get(user)?.values().next().value
  }
}
