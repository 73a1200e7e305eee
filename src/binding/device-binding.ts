import type { GateRequest, IncomingGateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { sendJson } from '../http/response.js'
import { type DeviceKey, isSameDevice } from '../session/device-key.js'
import type { SessionLock } from '../session/session-lock.js'
import type { OpenSession, Sessions } from '../session/sessions.js'
import type { BindingState } from './binding-state.js'
import { BOUND_COOKIE_MS, type BoundCookies } from './bound-cookies.js'
import type { Challenges } from './challenges.js'
import type { Identifiers } from './identifiers.js'
import { instructionsFor } from './instructions.js'
import { claimedChallenge, readProof, readRegistration } from './proof.js'
import { readString, writeString } from './structured-fields.js'

/** What {@link DeviceBinding} depends on. */
export interface DeviceBindingDeps {
  readonly sessions: Sessions
  readonly sessionLock: SessionLock
  readonly mounts: Mounts
  readonly cookies: BoundCookies
  readonly challenges: Challenges
  readonly identifiers: Identifiers
  readonly callbackPaths: readonly string[]
  readonly state: BindingState
  /** Sets the session cookie again if the ID of the session has changed. */
  readonly renewCookie: (
    request: GateRequest,
    before: OpenSession,
    after: OpenSession,
  ) => OpenSession
  /** Called when a session has been bound. */
  readonly onBound: (request: GateRequest, session: OpenSession) => void
  /** Called with what the owner should know. */
  readonly onProblem: (problem: BindingProblem, session?: Pick<OpenSession, 'key'>) => void
}

/**
 * `registration`: a proof was rejected, so a session is not bound. `proof`: a proof was signed with
 * another key.
 */
export type BindingProblem = 'registration' | 'proof'

/** Within this time, only one redirect has the browser of a session renew its cookie. */
const RECOVERY_PAUSE_MS = 10_000

/** How often a session may be renewed while a cookie lasts, in this process. */
const MAX_RENEWALS = 30

/** Ends the session of the browser's key. (https://w3c.github.io/webappsec-dbsc/#algo-session-request) */
const TERMINATED = { continue: false }

/**
 * Binds sessions to keys of the browsers' devices (Device Bound Session Credentials). `Offers` offers
 * it, the browser registers a public key, and renews a cookie with proofs that it has the private
 * key. (https://w3c.github.io/webappsec-dbsc/)
 */
export class DeviceBinding {
  readonly #deps: DeviceBindingDeps

  constructor(deps: DeviceBindingDeps) {
    this.#deps = deps
  }

  /** Whether the request proves that it comes from the device of its session, if that is bound. */
  isProven(request: IncomingGateRequest, { key, record }: OpenSession): boolean {
    return record.device === undefined || this.#deps.cookies.check(request, key) === 'valid'
  }

  /**
   * Prepares the response to a request without a proof: a challenge for the next one. Returns whether
   * a redirect to the same URL should have the browser renew a cookie that is no longer valid.
   * (https://w3c.github.io/webappsec-dbsc/#server-considerations)
   */
  recover(request: IncomingGateRequest, session: OpenSession): boolean {
    const { cookies, state } = this.#deps
    const { res, now } = request
    if (res === undefined) return false
    const answered = { ...request, res }
    this.#challenge(answered, session.key, this.#deps.identifiers.of(session))
    if (cookies.check(request, session.key) !== 'invalid') return false
    cookies.clear(answered)
    const last = state.recoveries.get(session.key) ?? 0
    if (Math.abs(now - last) < RECOVERY_PAUSE_MS) return false
    state.recoveries.set(session.key, now)
    return true
  }

  /** `/auth/device/register`: stores the key of the browser that has just logged in. */
  async register(request: GateRequest): Promise<void> {
    const { challenges, cookies, onBound, onProblem, renewCookie } = this.#deps
    const { headers, now } = request
    const proof = readString(headers['secure-session-response']) ?? ''
    // Before the signature, whose verification takes much longer.
    const challenge = claimedChallenge(proof) ?? ''
    const key = challenges.keyOf(challenge)
    const isValid = challenges.isValid('registration', key, challenge, now)
    const session = isValid ? await this.#findByKey(request, key) : undefined
    const device = session && (await readRegistration(proof))
    if (device === undefined || session === undefined) {
      onProblem('registration', session)
      return sendJson(request.res, 400, TERMINATED)
    }
    const bound = await this.#store(session, device)
    // A key stays: another one could be that of a thief.
    if (bound?.record.device === undefined || !isSameDevice(bound.record.device, device)) {
      onProblem('registration', session)
      return sendJson(request.res, 400, TERMINATED)
    }
    const isRepeated = session.record.device !== undefined
    if (!isRepeated) onBound(request, bound)
    renewCookie(request, session, bound)
    // Otherwise a copy of this request would be worth as much as a proof.
    if (!isRepeated) cookies.write(request, bound.key)
    this.#respond(request, bound.key, this.#deps.identifiers.of(bound))
  }

  /** `/auth/device/refresh`: renews the cookie for a proof, or sends a challenge for one. */
  async refresh(request: GateRequest): Promise<void> {
    const { challenges, cookies, identifiers, onProblem } = this.#deps
    const { headers, res, mount, now } = request
    // Scripts of other sites cannot send it. (Fetch, forbidden request-header)
    const identifier = readString(headers['sec-secure-session-id'])
    if (identifier === undefined) return sendJson(res, 403, TERMINATED)
    const found = await identifiers.find(identifier, now, mount.instanceId)
    const current = await this.#findSession(request)
    // The browser has another session by now, whose cookie must not be replaced.
    if (found === undefined || (current !== undefined && current.key !== found.key))
      return sendJson(res, 200, TERMINATED)
    const { key, device } = found
    const proof = readString(headers['secure-session-response'])
    if (proof === undefined) return this.#askAgain(request, key, identifier)
    const challenge = await readProof(proof, device)
    if (challenge === undefined) {
      onProblem('proof', found)
      return sendJson(res, 400, TERMINATED)
    }
    const isValid = challenges.isValid('refresh', key, challenge, now)
    if (isValid && this.#isFlood(key, now)) return sendJson(res, 429, {})
    if (!isValid || !(await challenges.use('refresh', challenge)))
      return this.#askAgain(request, key, identifier)
    cookies.write(request, key)
    this.#respond(request, key, identifier)
  }

  /** Whether a session is renewed more often than any browser does. Stores keep each used proof. */
  #isFlood(key: string, now: number): boolean {
    const { renewals } = this.#deps.state
    const known = renewals.get(key)
    const isRecent = known !== undefined && Math.abs(now - known.since) < BOUND_COOKIE_MS
    const count = isRecent ? known.count + 1 : 1
    renewals.set(key, { since: isRecent ? known.since : now, count })
    return count > MAX_RENEWALS
  }

  #askAgain(request: GateRequest, key: string, identifier: string): void {
    this.#challenge(request, key, identifier)
    sendJson(request.res, 403, { challenge: true })
  }

  /** With the challenge of the next proof, so that it takes one request. */
  #respond(request: GateRequest, key: string, identifier: string): void {
    const { callbackPaths, mounts } = this.#deps
    this.#challenge(request, key, identifier)
    const instructions = instructionsFor(request, { identifier, mounts, callbackPaths })
    sendJson(request.res, 200, instructions)
  }

  #challenge({ res, now }: GateRequest, key: string, identifier: string): void {
    const challenge = writeString(this.#deps.challenges.create('refresh', key, now))
    res.setHeader('Secure-Session-Challenge', `${challenge};id=${writeString(identifier)}`)
  }

  async #findSession(request: GateRequest): Promise<OpenSession | undefined> {
    return (await this.#deps.sessions.find(request)).session
  }

  /** The session with this key, unless the browser has another one by now. */
  async #findByKey(request: GateRequest, key: string): Promise<OpenSession | undefined> {
    const current = await this.#findSession(request)
    if (current !== undefined) return current.key === key ? current : undefined
    return this.#deps.sessions.findByKey(key, request.now, request.mount.instanceId)
  }

  /** Stores the key unless the session has one, and returns the session as it is stored then. */
  #store(session: OpenSession, device: DeviceKey): Promise<OpenSession | undefined> {
    const { sessionLock } = this.#deps
    return sessionLock.withLock(session, async (current) =>
      current === undefined
        ? undefined
        : sessionLock.write(current, (record) => (record.device ? undefined : { device })),
    )
  }
}
