/** A property of the store, since several copies of this package may be loaded. */
const registry = Symbol.for('oauth-module.followers')

interface FollowedStore {
  [registry]?: Map<string, number>
}

/** A gate of this process that follows a configuration. */
export interface Follower {
  /** Whether another gate of this process follows the same configuration. */
  readonly isDuplicate: boolean
  /** Called when the gate stops to follow it. */
  readonly release: () => void
}

/** Registers a gate that follows the configuration with this key in a store. */
export function registerFollower(store: object & FollowedStore, key: string): Follower {
  const known = store[registry]
  const followers = known ?? new Map<string, number>()
  if (known === undefined && Object.isExtensible(store))
    Object.defineProperty(store, registry, { value: followers })
  const count = followers.get(key) ?? 0
  followers.set(key, count + 1)
  return {
    isDuplicate: count > 0,
    release: () => void followers.set(key, (followers.get(key) ?? 1) - 1),
  }
}
