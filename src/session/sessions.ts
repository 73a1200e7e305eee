import { LRUCache } from 'lru-cache'
import type { Encrypter } from '../http/encryption.js'
import { absoluteExpiry, idleExpiry, type Lifetimes } from './lifetimes.js'
import type { Session, SessionStart } from './session.js'
import type { Awaitable } from './stores/store.js'
import type { Tokens } from './tokens.js'

export type { SessionStart } from './session.js'
export type { Tokens } from './tokens.js'

/** A session whose ID is known, so that its tokens can be decrypted. */
export interface OpenSession {
  /** The value of the session cookie: a secret. */
  readonly id: string
  /** The public handle of the session, and its key in the store. */
  readonly key: string
  readonly record: Session
}

/** Why a session has ended: `ended` when the provider no longer accepts its grant. */
export type EndReason = 'logout' | 'revoked' | 'expired' | 'ended'

/**
 * Why a request is anonymous: it has no session (`none`), its session has expired or was revoked,
 * or the rules deny the user.
 */
export type AnonymousReason = 'none' | 'expired' | 'revoked' | 'denied'

/** The session of a request, or the reason why it has none. */
export type SessionResult =
  | { readonly session: OpenSession; readonly reason?: undefined }
  | { readonly session?: undefined; readonly reason: AnonymousReason }

/** State of sessions in this process. Outlives a configuration. */
export interface SessionState {
  /**
   * The last activity of a session, and the last one that was written to the store; milliseconds.
   */
  readonly activity: LRUCache<string, { at: number; writtenAt: number }>
  /** Sessions that this process ended, with the reason for their next request. */
  readonly ended: LRUCache<string, AnonymousReason>
  /** Cookie sessions of which this process has a newer revision than the browser may send. */
  readonly newer: LRUCache<string, OpenSession>
}

const MAX_ACTIVE_SESSIONS = 50_000
const MAX_ENDED_SESSIONS = 10_000
const MAX_NEWER_SESSIONS = 1_000

/** Empty state for {@link Sessions}. */
export function createSessionState(): SessionState {
  return {
    activity: new LRUCache({ max: MAX_ACTIVE_SESSIONS }),
    ended: new LRUCache({ max: MAX_ENDED_SESSIONS }),
    newer: new LRUCache({ max: MAX_NEWER_SESSIONS }),
  }
}

/** What every kind of {@link Sessions} depends on. */
export interface SessionsDeps {
  readonly state: SessionState
  readonly encrypter: Encrypter
  readonly lifetimes: Lifetimes
  readonly clockToleranceMs: number
  /** Called when this process learns that a session has ended. */
  readonly onEnd: (key: string, reason: EndReason, existed: boolean) => void
}

/** Creates, finds, changes and ends sessions. Throws the errors of the store. */
export abstract class Sessions {
  protected readonly lifetimes: Lifetimes
  protected readonly clockToleranceMs: number

  constructor({ lifetimes, clockToleranceMs }: SessionsDeps) {
    this.lifetimes = lifetimes
    this.clockToleranceMs = clockToleranceMs
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
  abstract create(start: SessionStart, tokens: Tokens, now: number): Awaitable<OpenSession>

  /** Changes the session if it still exists at this revision; otherwise returns `undefined`. */
  abstract update(
    session: OpenSession,
    changes: Partial<Session>,
    tokens?: Tokens,
  ): Awaitable<OpenSession | undefined>

  /** The session as it is stored now; `undefined` when it has ended. */
  abstract reload(session: OpenSession): Awaitable<OpenSession | undefined>

  /** Ends the session. Returns whether it existed. */
  abstract destroy(key: string, reason: EndReason): Awaitable<boolean>

  /** The tokens of the session. */
  abstract tokens(session: OpenSession): Tokens

  /**
   * Whether the tokens can be decrypted: not after their secret was removed from the configuration.
   */
  abstract hasTokens(session: Session): boolean

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

  /** The last activity that is known to this process. */
  protected abstract lastActiveAt(session: OpenSession): number
}
