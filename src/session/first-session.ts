import type { SessionResult } from './session-result.js'
import type { Awaitable } from './stores/store.js'

/** The first session of several cookies. Reads further ones only if the first has none. */
export async function firstSession(
  first: Awaitable<SessionResult>,
  otherIds: readonly string[],
  find: (id: string) => Promise<SessionResult>,
): Promise<SessionResult> {
  const firstResult = await first
  if (firstResult.session !== undefined) return firstResult
  for (const id of otherIds) {
    const result = await find(id)
    if (result.session !== undefined) return result
  }
  return firstResult
}
