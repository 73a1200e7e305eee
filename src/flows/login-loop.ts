import { clearCookie, readCookies, setCookie } from '../http/cookies.js'
import type { Encrypter } from '../http/encryption.js'
import type { GateRequest } from '../http/gate-request.js'
import { sha256 } from '../http/ids.js'
import { isObject, parseJson } from '../http/json.js'
import type { Mount } from '../http/mounts.js'
import { transactionCookieFor } from '../oauth/transaction-cookie.js'
import { type OpenSession, RECENT_MS, type Sessions } from '../session/sessions.js'
import type { LoginRequest } from './links.js'
import { loginLoopError, type LoginLoopCause } from './login-loop-error.js'
import { Rejection } from './rejection.js'

/**
 * The previous login of this browser. Sent encrypted in a cookie, so the names of its fields are
 * fixed.
 */
interface PreviousLogin {
  readonly instance: string
  /** Key of its session. */
  readonly key: string
  /** Path of its session cookie: the browser does not send the cookie to other paths. */
  readonly path: string
  readonly cookieHash: string
  /** Number of consecutive logins without a session, including this one. */
  readonly count: number
  /** Whether its response was a posted form, with which browsers send only cross-site cookies. */
  readonly isPosted: boolean
  /** Why it did not result in a session. Known when the next login starts. */
  readonly cause?: LoginLoopCause
}

/** The user may need minutes for the next login. */
const FAILED_LOGIN_TTL_MS = 600_000
const MAX_LOGINS = 3

/**
 * Detects login loops: the login succeeds, but the next request has no session, because the browser
 * does not send the cookie or this process does not find the session. It remembers a login in a
 * cookie with the attributes of the transaction cookie, which did come back. The browser limits its
 * lifetime, because the clocks of processes may differ.
 */
export class LoginLoopDetector {
  readonly #encrypter: Encrypter
  readonly #sessions: Sessions

  constructor(encrypter: Encrypter, sessions: Sessions) {
    this.#encrypter = encrypter
    this.#sessions = sessions
  }

  /**
   * Called when a request without a session starts a login. Throws a {@link Rejection} with the
   * cause if three consecutive logins did not result in a session.
   */
  check(request: GateRequest, loginRequest: LoginRequest): void {
    const previous = this.#previousLogin(request)
    const cause = previous && causeOf(request, previous)
    if (previous === undefined || cause === undefined) return
    this.#write(request, { ...previous, cause }, FAILED_LOGIN_TTL_MS)
    if (previous.count < MAX_LOGINS) return
    throw new Rejection(loginLoopError(cause, request), {
      retry: { ...loginRequest, isRetry: true },
    })
  }

  /** As {@link check}, for a login link. Its request may have a session. */
  async checkLink(request: GateRequest, loginRequest: LoginRequest): Promise<void> {
    if (this.#previousLogin(request) === undefined) return
    const result = await this.#sessions.find(request)
    if (result.session === undefined)
      this.check({ ...request, unusableSession: result.unusable }, loginRequest)
  }

  /**
   * Remembers a successful login. Returns the key of the previous session if it could not be used.
   */
  record(request: GateRequest, { id, key }: OpenSession): string | undefined {
    const { req, mount } = request
    const previous = this.#previousLogin(request)
    const isFailed = previous?.cause !== undefined
    const login: PreviousLogin = {
      instance: mount.instanceId,
      path: mount.sessionCookie.attributes.path,
      key,
      cookieHash: hashOf(id),
      count: isFailed ? previous.count + 1 : 1,
      isPosted: req.method === 'POST',
    }
    this.#write(request, login, RECENT_MS)
    return isFailed && previous.instance === mount.instanceId ? previous.key : undefined
  }

  /** Forgets the previous login at a logout, which removes the session cookie on purpose. */
  forget({ cookieHeader, res, mount }: GateRequest): void {
    if (readCookies(cookieHeader, cookieName(mount)).length > 0)
      clearCookie(res, cookieName(mount), mount.transactionCookie.attributes)
  }

  #previousLogin({ cookieHeader, mount }: GateRequest): PreviousLogin | undefined {
    const [cookie] = readCookies(cookieHeader, cookieName(mount))
    if (cookie === undefined) return undefined
    const login = parseJson(this.#encrypter.decrypt('landing', cookie))
    return isPreviousLogin(login) && login.path === mount.sessionCookie.attributes.path
      ? login
      : undefined
  }

  #write({ res, mount }: GateRequest, login: PreviousLogin, ttlMs: number): void {
    const value = this.#encrypter.encrypt('landing', JSON.stringify(login))
    const { attributes } = transactionCookieFor(
      mount.transactionCookie,
      login.isPosted ? 'form_post' : 'query',
    )
    setCookie(res, cookieName(mount), value, attributes, ttlMs / 1000)
  }
}

/** Why the previous login did not result in a session; `undefined` if its session has ended. */
function causeOf(
  { cookieHeader, mount, unusableSession }: GateRequest,
  { cookieHash, instance }: PreviousLogin,
): LoginLoopCause | undefined {
  const ids = readCookies(cookieHeader, mount.sessionCookie.name)
  if (!ids.some((id) => hashOf(id) === cookieHash)) return 'absent'
  return instance === mount.instanceId ? unusableSession : 'instance'
}

/** Whether this is the name of the cookie that remembers the previous login. */
export function isPreviousLoginCookieName(mount: Mount, name: string): boolean {
  return name === cookieName(mount)
}

function cookieName({ transactionCookie }: Mount): string {
  return `${transactionCookie.prefix}landed`
}

function isPreviousLogin(value: unknown): value is PreviousLogin {
  return isObject(value) && typeof value['count'] === 'number' && typeof value['key'] === 'string'
}

/**
 * Hashes the beginning of an id, which the first of several cookies of a long id contains as well.
 */
function hashOf(id: string): string {
  return sha256(id.slice(0, 43)).slice(0, 16)
}
