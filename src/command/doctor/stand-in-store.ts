import type { SessionStore } from '../../session/stores/store.js'

function nothing(): undefined {
  return undefined
}

/** Stands in for the store of a URL, to which the doctor connects in its own way. */
export const STAND_IN_STORE: SessionStore = {
  get: nothing,
  set: nothing,
  update: () => false,
  delete: () => false,
  entries: () => ({ entries: [], next: undefined }),
}
