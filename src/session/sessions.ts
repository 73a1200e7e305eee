import type { LRUCache } from 'lru-cache'
import type { OAuthUser } from '../access/user.js'
import { createCache } from '../http/create-cache.js'
import type { Encrypter } from '../http/encryption.js'
import type { UnusableSession } from '../http/gate-request.js'
import type { Claims } from '../oauth/identity.js'
import type { EndReason } from './end-reasons.js'
import { absoluteExpiry, idleExpiry, isExpired, type Lifetimes } from './lifetimes.js'
import type { ActivityState } from './session-activity.js'
import type { Session, SessionStart } from './session.js'
import type { Awaitable } from './stores/store.js'
import type { SealedData } from './sealed-data.js'
import { type ClaimsReader, SessionUser } from './session-user.js'

export type { EndReason } from './end-reasons.js'
export type { SessionStart } from './session.js'
export type { SealedData, Tokens } from './sealed-data.js'

/** A session whose ID is known, so that its tokens and claims can be decrypted. */
export class OpenSession implements ClaimsReader {
  /** The value of the session cookie: a secret. */
  readonly id: string
  /** The public handle of the session, and its key in the store. */
  readonly key: string
  readonly record: Session
  readonly #decrypter: SessionDecrypter
  #data: SealedData | undefined

  constructor(id: string, key: string, record: Session, decrypter: SessionDecrypter) {
    this.id = id
    this.key = key
    this.record = record
    this.#decrypter = decrypter
  }

  /** The tokens and claims, decrypted once. */
  unseal(): SealedData {
    return (this.#data ??= this.#decrypter.decrypt(this.id, this.record))
  }

  claims(): Claims {
    return this.unseal().claims
  }

  /** A new copy of the user, which the app may change. */
  user(): OAuthUser {
    return new SessionUser(this.record.user, this)
  }
}

/** Decrypts the tokens and claims of a session. */
export interface SessionDecrypter {
  decrypt(id: string, record: Session): SealedData
}

/**
 * Why a request is anonymous: it has no session (`none`), its session has expired or was revoked,
 * or the rules deny the user.
 */
export type AnonymousReason = 'none' | 'expired' | 'revoked' | 'denied'

/** A request without a session. */
export interface AnonymousResult {
  readonly session?: undefined
  readonly reason: AnonymousReason
  /** Set if the end of the session is not known. */
  readonly unusable?: UnusableSession | undefined
}

/** The session of a request, or the reason why it has none. */
export type SessionResult =
  { readonly session: OpenSession; readonly reason?: undefined } | AnonymousResult

/** State of sessions in this process. Outlives a configuration. */
export interface SessionState {
  readonly activity: ActivityState
  /** User agents of sessions. */
  readonly texts: LRUCache<string, string>
  /** Sessions that this process ended, with the reason for their next request. */
  readonly ended: LRUCache<string, AnonymousReason>
  /** Cookie sessions of which this process has a newer revision than the browser may send. */
  readonly newer: LRUCache<string, OpenSession>
}

const MAX_ACTIVE_SESSIONS = 50_000
const MAX_TEXTS = 1_000
const MAX_ENDED_SESSIONS = 10_000
const MAX_NEWER_SESSIONS = 1_000
/** For how long a browser remembers a login. */
export const RECENT_MS = 60_000

/** Empty state for {@link Sessions}. */
export function createSessionState(): SessionState {
  return {
    activity: createCache({ max: MAX_ACTIVE_SESSIONS }),
    texts: createCache({ max: MAX_TEXTS }),
    ended: createCache({ max: MAX_ENDED_SESSIONS }),
    newer: createCache({ max: MAX_NEWER_SESSIONS }),
  }
}

/** What every kind of {@link Sessions} depends on. */
export interface SessionsDeps {
  readonly state: SessionState
  readonly encrypter: Encrypter
  /** Identifies a provider, its issuer and its client; `undefined` if it is not configured. */
  readonly clientOf: (provider: string) => string | undefined
  readonly lifetimes: Lifetimes
  readonly clockToleranceMs: number
  /** Called when this process learns that a session has ended. */
  readonly onEnd: (key: string, reason: EndReason, existed: boolean) => void
}

/** Creates, finds, changes and ends sessions. Throws the errors of the store. */
export abstract class Sessions implements SessionDecrypter {
  protected readonly lifetimes: Lifetimes
  protected readonly clockToleranceMs: number
  readonly #clientOf: SessionsDeps['clientOf']

  constructor({ lifetimes, clockToleranceMs, clientOf }: SessionsDeps) {
    this.lifetimes = lifetimes
    this.clockToleranceMs = clockToleranceMs
    this.#clientOf = clientOf
  }

  /**
   * The session of the first cookie named `cookieName` that belongs to a session of this instance.
   * Synchronous when the store is.
   */
  abstract find(
    cookieHeader: string | undefined,
    cookieName: string,
    now: number,
    instance: string,
  ): Awaitable<SessionResult>

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

  abstract decrypt(id: string, record: Session): SealedData

  /** Ends the session. Returns whether it existed. */
  abstract destroy(key: string, reason: EndReason): Awaitable<boolean>

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
