import type { Administration, GateSession } from '../administration.js'
import { isStoreError } from '../errors.js'
import type { NamedGate } from '../options.js'

const PAGE_SIZE = 1000

/** Which sessions to end. */
export interface EndedSessions {
  readonly gate: NamedGate
  /** The name of the provider. */
  readonly provider: string
  /** Only those that began until then. */
  readonly until: number
}

/**
 * Ends the sessions of a provider before a change, so that they are no longer listed, and their
 * sockets close. They do not count in any case: they are of another client. Returns their number, or
 * 0 if the store cannot list.
 */
export async function endSessions(
  administration: Administration,
  { gate, provider, until }: EndedSessions,
): Promise<number> {
  const ended: GateSession[] = []
  try {
    for await (const found of administration.everySession(PAGE_SIZE)) {
      const { userId, createdAt } = found.session
      if (found.gate === gate && userId.startsWith(`${provider}:`) && createdAt <= until)
        ended.push(found)
    }
    let count = 0
    for (const found of ended) if (await administration.deleteSession(found)) count++
    return count
  } catch (error) {
    if (!isStoreError(error)) throw error
    const { code, hint } = error
    const { logger } = gate.access
    if (code !== 'store_not_listable')
      logger.warn('admin API: the sessions of a connection are still listed', { code, hint })
    return 0
  }
}
