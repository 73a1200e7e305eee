import type { LRUCache } from 'lru-cache'
import type { GateRequest, IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import type { OpenSession } from '../session/sessions.js'
import type { BoundCookies } from './bound-cookies.js'
import type { Challenges } from './challenges.js'
import { REGISTER } from './instructions.js'
import { writeString } from './structured-fields.js'

/** What {@link Offers} depends on. */
export interface OffersDeps {
  readonly mounts: Mounts
  readonly cookies: BoundCookies
  readonly challenges: Challenges
  /** Whether a store has the sessions: otherwise only their cookies do. */
  readonly keepsRecords: boolean
  /** Sessions in cookies that a request after the login offered to bind, by key. */
  readonly offered: LRUCache<string, true>
  /** Called instead of an offer over http. */
  readonly onHttp: () => void
}

/** Until then, a request after the login may offer to bind a session in a cookie. */
const LATER_OFFER_MS = 60_000

/**
 * Offers to bind sessions.
 * (https://w3c.github.io/webappsec-dbsc/#header-secure-session-registration)
 */
export class Offers {
  readonly #deps: OffersDeps

  constructor(deps: OffersDeps) {
    this.#deps = deps
  }

  /**
   * Offers to bind the session of a login. The requests that follow need the cookie as soon as the
   * key is registered, possibly before the browser has received that response: so it is set now.
   */
  atLogin(request: GateRequest, { key, record }: OpenSession): void {
    const { cookies, onHttp } = this.#deps
    if (!request.mount.isHttps) return onHttp()
    cookies.write(request, key)
    if (record.device === undefined && this.#canRegister(request)) this.#send(request, key)
  }

  /** Offers to bind a new session in a cookie, if the login could not. */
  afterLogin(request: IncomingGateRequest, { key, record }: OpenSession): void {
    const { keepsRecords, offered } = this.#deps
    const { headers, res, mount, now } = request
    if (keepsRecords || record.device !== undefined || res === undefined || !mount.isHttps) return
    const isNew = now - record.createdAt < LATER_OFFER_MS
    // A script of the page could read the challenge, and register a key of its own.
    const dest = headers['sec-fetch-dest'] ?? 'empty'
    if (!isNew || dest === 'empty' || !this.#canRegister(request)) return
    if (offered.has(key)) return
    offered.set(key, true)
    this.#send({ ...request, res }, key)
  }

  /**
   * Whether the browser sends the session cookie when it registers a key, in case only the cookie
   * has the session: not if another site caused this request. (`SameSite=Lax`)
   */
  #canRegister({ headers }: IncomingGateRequest): boolean {
    const site = headers['sec-fetch-site'] ?? 'none'
    return this.#deps.keepsRecords || site === 'none' || site === 'same-origin'
  }

  #send({ res, mount, now }: GateRequest, key: string): void {
    const { challenges, mounts } = this.#deps
    const path = writeString(mounts.specialPath(mount, REGISTER))
    const challenge = writeString(challenges.create('registration', key, now))
    const offer = `(ES256 RS256);path=${path};challenge=${challenge}`
    res.setHeader('Secure-Session-Registration', offer)
  }
}
