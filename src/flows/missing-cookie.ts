import { changedHosts } from '../http/browser-host.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import type { DecryptedTransaction } from '../oauth/transaction.js'
import type { LoginRequest } from './links.js'
import { reject, Rejection } from './rejection.js'

/** After this number of callbacks without the transaction cookie, the page explains the cause. */
const RETURNS_BEFORE_EXPLANATION = 2

const FORM_POST_HINT =
  "; with responseMode: 'form_post' the cookie is SameSite=None and Secure, which Safari does not send over plain http, not even on localhost"

/**
 * Rejects a callback without its transaction cookie. Trying again helps if the response came from
 * an old tab, but not if the browser never stores the cookie.
 */
export function rejectWithoutCookie(
  { req }: GateRequest,
  { attempts, redirectUri, hosts = {}, responseMode }: DecryptedTransaction,
  retry: LoginRequest,
): never {
  const changed = changedHosts(req, redirectUri, hosts)
  if (changed !== undefined) rejectOtherHost(...changed, retry)
  const more = responseMode === 'form_post' ? FORM_POST_HINT : ''
  if (attempts < RETURNS_BEFORE_EXPLANATION)
    reject(
      'login_expired',
      { ...retry, attempts: attempts + 1 },
      `the transaction cookie of this login is missing: it started in another browser, or on a host other than "${new URL(redirectUri).host}" that a proxy hides (pass Host on, or set baseUrl)${more}`,
    )
  const { protocol, host } = new URL(redirectUri)
  const insecure =
    protocol === 'http:' ? ', or the cookie is marked Secure although the site uses plain http' : ''
  throw new Rejection(
    new OAuthError('cookie_lost', {
      message:
        'Your browser did not send back the cookie that belongs to this sign-in. Either it does not keep cookies for ' +
        `${host}, or the sign-in started on a host other than ${host}${insecure}.`,
      hint: `three callbacks came without the transaction cookie: does a proxy or the app remove Set-Cookie, does the browser block cookies (as in a frame of another site), or is the cookie marked Secure on a site with plain http?${more}`,
    }),
    { retry },
  )
}

/**
 * The cookie is on the host that the browser showed at the start. A proxy that replaces `Host`
 * hides it from us.
 */
function rejectOtherHost(started: string, returned: string, retry: LoginRequest): never {
  throw new Rejection(
    new OAuthError('cookie_lost', {
      message: `This sign-in started on ${started}, but its response came to ${returned}. Your browser does not send the cookie of one host to another.`,
      hint: `the login started on "${started}", and its response came to "${returned}": set baseUrl to the public URL, or have the proxy pass the Host header on (nginx: proxy_set_header Host $host)`,
    }),
    { retry },
  )
}
