import { type AdminAccess, ADMIN_ACCESS } from '../middleware/admin-access.js'

/**
 * A middleware of `oauthModule()`. The members are those of every gate: its own type is not that of
 * `oauth-module` in the declarations of this subpath.
 */
export interface AdministeredModule {
  /** As in `oauth-module`. */
  ready(): Promise<unknown>
  /** As in `oauth-module`. */
  close(): Promise<void>
}

/** The access to a gate; `undefined` for a value that is not one. */
export function accessOf(module: unknown): AdminAccess | undefined {
  const access: unknown =
    typeof module === 'function' ? Reflect.get(module, ADMIN_ACCESS) : undefined
  return typeof access === 'object' && access !== null ? (access as AdminAccess) : undefined
}
