import type { Logger } from '../options/options.js'
import type { GateRequest } from '../http/gate-request.js'

/** A property of the server object, since several copies of this package may be loaded. */
const registry = Symbol.for('oauth-module.instances')

/** The path of a mount may contain parameters, so clients can create any number of mounts. */
const MAX_COOKIES = 256

interface ServerWithRegistry {
  [registry]?: Map<string, Instance>
}

interface Instance {
  readonly id: string | undefined
}

/** The entry of one instance in the registry of the server. Outlives a configuration. */
export interface CookieConflictState extends Instance {
  hasWarned: boolean
}

/** Initial state for {@link CookieConflicts}. `id` is the option of the same name. */
export function createCookieConflictState(id: string | undefined): CookieConflictState {
  return { id, hasWarned: false }
}

/**
 * Warns once if two instances set the same cookie for the same path: a login at one ends the
 * other's session.
 */
export class CookieConflicts {
  readonly #logger: Logger
  readonly #state: CookieConflictState

  constructor(logger: Logger, state: CookieConflictState) {
    this.#logger = logger
    this.#state = state
  }

  /** Registers the session cookie of the request's mount. Call this where a login starts. */
  check({ req, mount }: GateRequest): void {
    const state = this.#state
    const server = (req.socket as { server?: ServerWithRegistry } | null)?.server
    if (server === undefined || state.hasWarned) return
    const { name, attributes } = mount.sessionCookie
    const instances = (server[registry] ??= new Map())
    const cookie = `${name} ${attributes.path} ${attributes.domain ?? ''}`
    const owner = instances.get(cookie)
    if (owner === undefined && instances.size < MAX_COOKIES) instances.set(cookie, state)
    // Instances with the same id are meant to share their logins.
    const isShared = state.id !== undefined && owner?.id === state.id
    if (owner === undefined || owner === state || isShared) return
    state.hasWarned = true
    this.#logger.warn(
      `two instances set the cookie ${name} for ${attributes.path}: mount them at different paths, or set a different cookiePrefix for one of them`,
    )
  }
}
