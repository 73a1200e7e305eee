import type { Logger } from '../options/options.js'
import type { GateRequest } from '../http/gate-request.js'

/** On the server object, since two copies of this package may be loaded beside each other. */
const registry = Symbol.for('oauth-module.instances')

/** Mounts with parameters in their path are as many as visitors care to make up. */
const MAX_INSTANCES = 256

interface Registering {
  [registry]?: Map<string, Instance>
}

interface Instance {
  readonly id: string | undefined
}

/**
 * Warns, once, when two instances set the same cookie for the same paths: each login at one of them would end that at
 * the other.
 */
export function createCookieConflicts(
  logger: Logger,
  id: string | undefined,
): { meet(request: GateRequest): void } {
  const own: Instance = { id }
  let isWarned = false

  return {
    meet({ req, mount }) {
      const server = (req.socket as { server?: Registering } | null)?.server
      if (server === undefined || isWarned) return
      const { name, attributes } = mount.sessionCookie
      const instances = (server[registry] ??= new Map())
      const cookie = `${name} ${attributes.path} ${attributes.domain ?? ''}`
      const owner = instances.get(cookie)
      if (owner === undefined && instances.size < MAX_INSTANCES) instances.set(cookie, own)
      // With the same id they share their logins: that is meant.
      if (owner === undefined || owner === own || (id !== undefined && owner.id === id)) return
      isWarned = true
      logger.warn(
        `two instances set the cookie ${name} for ${attributes.path}: mount them at different paths, or give one another cookiePrefix`,
      )
    },
  }
}
