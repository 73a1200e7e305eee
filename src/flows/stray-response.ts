import { readCookies } from '../http/cookies.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { isSameHash, sha256 } from '../http/ids.js'
import { quote } from '../oauth/quote.js'
import { redirectUriFix } from '../oauth/token-errors.js'
import type { DecryptedTransaction, Transactions } from '../oauth/transaction.js'
import { cookieName } from '../oauth/transaction-cookie.js'
import { Rejection } from './rejection.js'

/**
 * Throws `misconfigured` for a request that is the response to a login of this browser, but not at
 * its redirect URI: GitHub and others send the user to the registered one instead. Starting another
 * login would lead to the same URL.
 */
export function rejectStrayResponse(request: GateRequest, transactions: Transactions): void {
  const { target, now } = request
  const state = new URLSearchParams(target.query).get('state')
  const { transaction } = state === null ? {} : transactions.read(state, now)
  if (transaction === undefined || !hasCookieOf(request, transaction)) return
  const { provider, redirectUri, returnPath } = transaction
  const hint = `${provider} responded at ${quote(target.path, [])} instead of the redirect URI of the login: ${redirectUriFix(redirectUri)}`
  throw new Rejection(new OAuthError('misconfigured', { hint }), {
    retry: { returnPath, isRetry: true },
    provider,
  })
}

/** Whether this browser started the login: anyone can obtain a valid state for a link. */
function hasCookieOf(
  { cookieHeader, mount }: GateRequest,
  { cookieHash }: DecryptedTransaction,
): boolean {
  return readCookies(cookieHeader, cookieName(mount.transactionCookie, cookieHash)).some((value) =>
    isSameHash(sha256(value), cookieHash),
  )
}
