/** Whose sessions a memory store holds: who has most of them, and which of a user's was written longest ago. */
export interface SessionsByUser {
  add(user: string, key: string): void
  remove(user: string, key: string): void
  count(user: string): number
  oldestOf(user: string): string | undefined
  /** The oldest session of a user who has most, and more than one; `undefined` where nobody has two. */
  oldestOfHeaviest(): string | undefined
}

export function createSessionsByUser(): SessionsByUser {
  const keysOf = new Map<string, Set<string>>()
  // By number of sessions, so that the heaviest user is found without a search.
  const usersWith: Set<string>[] = []

  const move = (user: string, from: number, to: number) => {
    usersWith[from]?.delete(user)
    if (to > 0) (usersWith[to] ??= new Set()).add(user)
    while (usersWith.length > 0 && !usersWith.at(-1)?.size) usersWith.pop()
  }
  const oldestOf = (user: string) => keysOf.get(user)?.values().next().value

  return {
    add(user, key) {
      const keys = keysOf.get(user) ?? new Set()
      if (keys.has(key)) return
      keysOf.set(user, keys.add(key))
      move(user, keys.size - 1, keys.size)
    },
    remove(user, key) {
      const keys = keysOf.get(user)
      if (keys?.delete(key) !== true) return
      move(user, keys.size + 1, keys.size)
      if (keys.size === 0) keysOf.delete(user)
    },
    count: (user) => keysOf.get(user)?.size ?? 0,
    oldestOf,
    oldestOfHeaviest() {
      const [user] = usersWith.length > 2 ? (usersWith.at(-1) ?? []) : []
      return user === undefined ? undefined : oldestOf(user)
    },
  }
}
