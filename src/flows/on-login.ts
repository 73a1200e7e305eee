import type { IncomingMessage } from 'node:http'
import { OAuthError } from '../http/errors.js'
import { withTimeout } from '../http/timeout.js'
import type { OAuthUser } from '../access/user.js'
import { type Account, parseAccount } from '../session/account.js'

/**
 * Finds or creates the account of a user who signs in: called after the rules have allowed the
 * user, and awaited before the session exists. What it returns is kept in the session, as
 * `req.oauth.account`. If it throws, rejects, or takes longer than five seconds, the login fails
 * with the error `internal`.
 */
export type OnLogin = (
  user: OAuthUser,
  req: IncomingMessage,
) => AccountResult | Promise<AccountResult>

type AccountResult = (object & OAuthModule.Account) | null | undefined | void

/** How long `onLogin` may take. */
export const ON_LOGIN_TIMEOUT_MS = 5_000

/** The account of a login. Throws the error `internal` if `onLogin` failed. */
export async function accountOf(
  onLogin: OnLogin | undefined,
  user: OAuthUser,
  req: IncomingMessage,
): Promise<Account | undefined> {
  if (onLogin === undefined) return undefined
  // A copy: the session must not depend on what the function does with the user.
  const copy = structuredClone(user)
  const result = await withTimeout<unknown>(ON_LOGIN_TIMEOUT_MS, 'onLogin', () =>
    onLogin(copy, req),
  ).catch((cause: unknown) => {
    throw new OAuthError('internal', {
      cause,
      hint: 'onLogin failed: the login is rejected, and there is no session',
    })
  })
  const parsed = parseAccount(result)
  if (parsed.problem === undefined) return parsed.account
  throw new OAuthError('internal', { hint: `onLogin ${parsed.problem}` })
}
