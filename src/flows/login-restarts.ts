import type { LRUCache } from 'lru-cache'
import { readCookiesByPrefix } from '../http/cookies.js'
import { createCache } from '../http/create-cache.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { redirectUriFix } from '../oauth/token-errors.js'
import { isTransactionCookieName } from '../oauth/transaction-cookie.js'
import type { LoginRequest } from './links.js'
import { Rejection } from './rejection.js'

/** A login that this process started. */
interface StartedLogin {
  readonly returnPath: string
  readonly redirectUri: string
  /** When the first login of the series started, in milliseconds. */
  readonly firstAt: number
  /** How many logins to the same page this browser has started in a row. */
  readonly count: number
}

/** Recent logins by the name of their transaction cookie. Outlives a configuration. */
export type LoginRestartState = LRUCache<string, StartedLogin>

const SERIES_MS = 30_000
/** A user may reload the page a few times. */
const WARNED_COUNT = 5
/** Browsers follow 20 redirects, two for each login. */
const MAX_COUNT = 9

/** Empty state for {@link LoginRestarts}. */
export function createLoginRestartState(): LoginRestartState {
  return createCache({ max: 10_000, ttl: SERIES_MS })
}

/** What {@link LoginRestarts} depends on. */
export interface LoginRestartsDeps {
  readonly state: LoginRestartState
  /** Called with the fix for the owner. */
  readonly onRestarts: (hint: string) => void
}

/**
 * Detects logins that start again and again, although none has failed: some providers respond to a
 * redirect URI that is not registered with a redirect to the registered one. If that is a page of
 * the app, it starts the next login. The transaction cookies of the browser show the previous ones.
 */
export class LoginRestarts {
  readonly #deps: LoginRestartsDeps

  constructor(deps: LoginRestartsDeps) {
    this.#deps = deps
  }

  /**
   * Throws `misconfigured` if redirects have started too many logins to the same page. Users who
   * reload a page themselves are not affected (`Sec-Fetch-Site: none`).
   */
  check(request: GateRequest, loginRequest: LoginRequest): void {
    if (request.headers['sec-fetch-site'] !== 'cross-site') return
    const previous = this.#previous(request, loginRequest.returnPath)
    if (previous === undefined || previous.count < MAX_COUNT) return
    const error = new OAuthError('misconfigured', { hint: hintOf(previous) })
    throw new Rejection(error, { retry: { ...loginRequest, isRetry: true } })
  }

  /** Remembers a login. `cookieName` is that of its transaction. */
  record(request: GateRequest, cookieName: string, returnPath: string, redirectUri: string): void {
    const previous = this.#previous(request, returnPath)
    const count = (previous?.count ?? 0) + 1
    const login = { returnPath, redirectUri, firstAt: previous?.firstAt ?? request.now, count }
    this.#deps.state.set(cookieName, login)
    if (count === WARNED_COUNT) this.#deps.onRestarts(hintOf(login))
  }

  /** The latest login of this browser to the same page. */
  #previous({ cookieHeader, mount, now }: GateRequest, returnPath: string) {
    const { prefix } = mount.transactionCookie
    const logins = readCookiesByPrefix(cookieHeader, `${prefix}nonce.`).flatMap(({ name }) =>
      isTransactionCookieName(mount.transactionCookie, name)
        ? (this.#deps.state.get(name) ?? [])
        : [],
    )
    return logins
      .filter((one) => one.returnPath === returnPath && now - one.firstAt < SERIES_MS)
      .sort((one, other) => other.count - one.count)[0]
  }
}

function hintOf({ count, redirectUri }: StartedLogin): string {
  return `one browser has started ${count} logins to the same page within ${SERIES_MS / 1000} s, and the provider has responded to none of them at the redirect URI: ${redirectUriFix(redirectUri)}`
}
