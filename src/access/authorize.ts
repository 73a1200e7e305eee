import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { OAuthError } from '../http/errors.js'
import { withTimeout } from '../http/timeout.js'
import type { OAuthUser } from './user.js'

/**
 * A custom rule. Runs after the rule lists have allowed the user; only `true` lets the user pass. A
 * request for which it throws, rejects or takes longer than five seconds fails with the error
 * `internal`.
 */
export type Authorize = (user: OAuthUser, req: IncomingMessage) => boolean | Promise<boolean>

/** How long a custom rule may take. */
export const AUTHORIZE_TIMEOUT_MS = 5_000

/** The IDs of custom rules. Outlives a configuration. */
export type AuthorizeIds = WeakMap<Authorize, string>

/**
 * Identifies a function in stored decisions. Another run of the process has another ID for the same
 * function, because its code may differ: unless `rulesVersion` states that it does not.
 */
export function authorizeId(
  authorize: Authorize,
  rulesVersion: string | undefined,
  ids: AuthorizeIds,
): string {
  if (rulesVersion !== undefined) return 'version'
  const id = ids.get(authorize) ?? randomBytes(6).toString('base64url')
  ids.set(authorize, id)
  return id
}

/** Whether the custom rule returned exactly `true`. Throws the error `internal` if it failed. */
export async function isAuthorized(
  authorize: Authorize,
  user: OAuthUser,
  req: IncomingMessage,
): Promise<boolean> {
  try {
    const result = await withTimeout<unknown>(AUTHORIZE_TIMEOUT_MS, 'authorize', () =>
      authorize(user, req),
    )
    return result === true
  } catch (cause) {
    throw new OAuthError('internal', { cause, hint: 'authorize failed' })
  }
}
