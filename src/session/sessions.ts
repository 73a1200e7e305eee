import type { Encrypter } from '../http/encryption.js'
import type { AppRequest } from '../http/request.js'
import type { EndReason } from './end-reasons.js'
import { absoluteExpiry, idleExpiry, isExpired, type Lifetimes } from './lifetimes.js'
import { mergePlaces, type SeenPlaces } from '../http/places.js'
import type { Session, SessionStart } from './session.js'
import type { Awaitable } from './stores/store.js'
import type { SealedData } from './sealed-data.js'
import type { OpenSession, SessionDecrypter } from './open-session.js'
import type { SessionRequest, SessionResult } from './session-result.js'
import type { SessionState } from './session-state.js'

export type { EndReason } from './end-reasons.js'
export { OpenSession } from './open-session.js'
export type { AnonymousReason, AnonymousResult, SessionResult } from './session-result.js'
export type { SessionStart } from './session.js'
export type { SealedData, Tokens } from './sealed-data.js'

/** For how long a browser remembers a login. */
export const RECENT_MS = 60_000

/** What every kind of {@link Sessions} depends on. */
export interface SessionsDeps {
  readonly state: SessionState
  readonly encrypter: Encrypter
  /** Identifies a provider, its issuer and its client; `undefined` if it is not configured. */
  readonly clientOf: (provider: string) => string | undefined
  readonly lifetimes: Lifetimes
  readonly clockToleranceMs: number
  /** Called when this process learns that a session has ended, with the request that caused it. */
  readonly onEnd: (key: string, reason: EndReason, existed: boolean, req?: AppRequest) => void
}

/** Creates, finds, changes and ends sessions. Throws the errors of the store. */
export abstract class Sessions implements SessionDecrypter {
  protected readonly lifetimes: Lifetimes
  protected readonly clockToleranceMs: number
  readonly #seen: SessionState['seen']
  readonly #clientOf: SessionsDeps['clientOf']

  constructor({ lifetimes, clockToleranceMs, clientOf, state }: SessionsDeps) {
    this.#seen = state.seen
    this.lifetimes = lifetimes
    this.clockToleranceMs = clockToleranceMs
    this.#clientOf = clientOf
  }

  /**
   * The session of the first session cookie of a request that belongs to a session of this instance.
   * Synchronous when the store is.
   */
  abstract find(request: SessionRequest): Awaitable<SessionResult>

  /** Stores a new session. */
  abstract create(start: SessionStart, data: SealedData, now: number): Awaitable<OpenSession>

  /** Changes the session if it still exists at this revision; otherwise returns `undefined`. */
  abstract update(
    session: OpenSession,
    changes: Partial<Session>,
    data?: Partial<SealedData>,
  ): Awaitable<OpenSession | undefined>

  /** The session as it is stored now; `undefined` when it has ended. */
  abstract reload(session: OpenSession): Awaitable<OpenSession | undefined>

  /**
   * A session for a request without its cookie: its tokens and claims cannot be decrypted.
   * `undefined` if there is none, and for sessions in cookies.
   */
  findByKey(_key: string, _now: number, _instance: string): Awaitable<OpenSession | undefined> {
    return undefined
  }

  /** Whether this process has ended a session in a cookie. */
  hasEnded(_key: string): boolean {
    return false
  }

  abstract decrypt(id: string, record: Session): SealedData

  /**
   * Ends the session. Returns whether it existed.
   *
   * @param req The request that causes this, if one does.
   */
  abstract destroy(key: string, reason: EndReason, req?: AppRequest): Awaitable<boolean>

  /**
   * Records a request, and writes the activity at intervals. If the ID of the result differs, the
   * cookie must be set.
   */
  abstract recordActivity(session: OpenSession, now: number): OpenSession

  /**
   * When the session expires at the latest, and when it expires without another request;
   * milliseconds.
   */
  expiry(session: OpenSession): { expiresAt: number; idleExpiresAt: number | undefined } {
    return {
      expiresAt: absoluteExpiry(session.record, this.lifetimes),
      idleExpiresAt: idleExpiry(this.lastActiveAt(session), this.lifetimes),
    }
  }

  /** Where the session was used. */
  seenPlaces({ key, record }: Pick<OpenSession, 'key' | 'record'>): SeenPlaces | undefined {
    return mergePlaces(record.seen, this.#seen.get(key))
  }

  /** Remembers another place. It is written with the next change or activity of the session. */
  addPlace(session: OpenSession, place: SeenPlaces): void {
    const all = mergePlaces(this.seenPlaces(session), place)
    if (all !== undefined) this.#seen.set(session.key, all)
  }

  /** Whether the session belongs to a provider and client of this configuration. */
  protected isOfThisClient({ client, user }: Session): boolean {
    return client === this.#clientOf(user.provider)
  }

  /** Whether the session has expired at `now`. */
  protected isExpired(record: Session, lastActiveAt: number, now: number): boolean {
    return isExpired(record, lastActiveAt, this.lifetimes, now, this.clockToleranceMs)
  }

  /** Whether no request of the session has passed, as far as this process can tell. */
  isUnused(session: OpenSession): boolean {
    return this.lastActiveAt(session) <= session.record.createdAt
  }

  /**
   * The result for an expired session. One that no request has used may show that clocks differ.
   */
  protected expired(session: OpenSession, now: number): SessionResult {
    const isOld = Math.abs(now - session.record.createdAt) > RECENT_MS
    return { reason: 'expired', unusable: isOld && this.isUnused(session) ? 'clock' : undefined }
  }

  /** The last activity that is known to this process. */
  protected abstract lastActiveAt(session: OpenSession): number
}
