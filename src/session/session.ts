import type { LRUCache } from 'lru-cache'
import type { StoredDecision, UserProfile } from '../access/user.js'
import type { Account } from './account.js'
import type { DeviceKey } from './device-key.js'
import type { SeenPlaces } from '../http/places.js'
import { deepFreeze } from './stores/deep-freeze.js'
import type { StoreRecord } from './stores/store.js'

/** What a session must match to count. Other instances and apps may use the same store. */
export interface SessionIdentity {
  /** The `id` of the instance. */
  readonly instance: string
  /** Identifies provider, issuer and client ID: see `clientKey`. */
  readonly client: string
}

/** A login: what a request needs without decryption, and the encrypted rest. */
export interface Session extends StoreRecord, SessionIdentity {
  readonly kind: 'session'
  /** The claims are part of the {@link SealedData}. */
  readonly user: UserProfile
  /** A hash of the ID that the provider has for its own session, for back-channel logout. */
  readonly sid: string | undefined
  readonly scopes: readonly string[]
  readonly lastActiveAt: number
  /** When the user last authenticated at the provider, if the provider states it. */
  readonly authTime: number | undefined
  readonly accessTokenExpiresAt: number | undefined
  /** Which tokens exist and are short enough for a request header. */
  readonly headerTokens: readonly ('access' | 'refresh')[]
  /**
   * {@link SealedData}, encrypted with a key that is derived from the secret and the session ID.
   */
  readonly sealed: string
  /** Decisions by fingerprint of the rules: the two latest. */
  readonly verdicts: Readonly<Record<string, StoredDecision>>
  /** Since when the rules deny the user; the row is kept for a day at most after that. */
  readonly deniedSince: number | undefined
  /** The browser of the login, for lists of sessions. */
  readonly browser: {
    readonly userAgent: string | undefined
    readonly ipAddress: string | undefined
  }
  /** What `onLogin` returned. Not encrypted: an app may read it at every request. */
  readonly account?: Account | undefined
  /**
   * Set by a signal that something changed: the decisions of before do not count. The check that
   * answers it removes it, unless another signal has replaced it meanwhile. Milliseconds.
   */
  readonly checkRequestedAt?: number | undefined
  /** The public key of the browser's device, once the session is bound to it. */
  readonly device?: DeviceKey | undefined
  /** Where the session was used, as far as it has been written. */
  readonly seen?: SeenPlaces | undefined
  /** Fields that a later release has added, which this one writes back. */
  readonly later?: readonly unknown[]
}

/** The fields of a new session that the caller sets; {@link newSession} adds the others. */
export type SessionStart = Omit<
  Session,
  | 'kind'
  | 'group'
  | 'createdAt'
  | 'revision'
  | 'lastActiveAt'
  | 'headerTokens'
  | 'sealed'
  | 'deniedSince'
>

/** The record of a session that begins at `now`. */
export function newSession(
  start: SessionStart,
  now: number,
  sealed: Pick<Session, 'sealed' | 'headerTokens'>,
): Session {
  return toSession({
    ...start,
    kind: 'session',
    group: start.user.key,
    createdAt: now,
    revision: 1,
    deniedSince: undefined,
    lastActiveAt: now,
    ...sealed,
  })
}

/** The record after a change. */
export function changedSession(session: Session, changes: Partial<Session>): Session {
  return toSession({ ...session, ...changes, revision: session.revision + 1 })
}

/** Field by field: V8 needs four times as much memory for an object that was spread. */
function toSession(session: Session): Session {
  const { user, browser, later } = session
  const record: Session = {
    kind: 'session',
    group: session.group,
    createdAt: session.createdAt,
    revision: session.revision,
    instance: session.instance,
    client: session.client,
    user: toProfile(user),
    sid: session.sid,
    scopes: orShared(session.scopes),
    lastActiveAt: session.lastActiveAt,
    authTime: session.authTime,
    accessTokenExpiresAt: session.accessTokenExpiresAt,
    headerTokens: session.headerTokens,
    sealed: session.sealed,
    verdicts: session.verdicts,
    deniedSince: session.deniedSince,
    browser: { userAgent: browser.userAgent, ipAddress: browser.ipAddress },
    account: session.account,
    checkRequestedAt: session.checkRequestedAt,
    device: session.device,
    seen: session.seen,
  }
  return deepFreeze(later === undefined ? record : { ...record, later })
}

function toProfile(user: UserProfile): UserProfile {
  return {
    key: user.key,
    id: user.id,
    name: user.name,
    email: user.email,
    emailVerified: user.emailVerified,
    username: user.username,
    picture: user.picture,
    provider: user.provider,
    organizations: orShared(user.organizations),
    teams: orShared(user.teams),
    groups: orShared(user.groups),
  }
}

/** What sessions keep of the browser of the login. */
export interface BrowserSessionConfig {
  readonly ipAddress: boolean
  readonly userAgent: boolean
  /** Milliseconds after the login; 0: as long as the session. */
  readonly maxAge: number
}

const NO_BROWSER: Session['browser'] = { userAgent: undefined, ipAddress: undefined }

/** What the configuration allows to keep of the browser now. */
export function keptBrowser(
  { createdAt, browser }: Pick<Session, 'createdAt' | 'browser'>,
  { ipAddress, userAgent, maxAge }: BrowserSessionConfig,
  now: number,
): Session['browser'] {
  if (maxAge > 0 && now - createdAt >= maxAge) return NO_BROWSER
  if (ipAddress && userAgent) return browser
  return {
    userAgent: userAgent ? browser.userAgent : undefined,
    ipAddress: ipAddress ? browser.ipAddress : undefined,
  }
}

/** The session with what is kept of the browser. */
export function withBrowser(session: Session, browser: Session['browser']): Session {
  return browser === session.browser ? session : toSession({ ...session, browser })
}

/** Many users have the same browser: their sessions share one string. */
export function sharedBrowser(
  browser: Session['browser'],
  texts: LRUCache<string, string>,
): Session['browser'] {
  const { userAgent } = browser
  if (userAgent === undefined) return browser
  const known = texts.get(userAgent)
  if (known === undefined) texts.set(userAgent, userAgent)
  return { ...browser, userAgent: known ?? userAgent }
}

const EMPTY: readonly string[] = Object.freeze([])

/** Most users have no memberships: their sessions share one array. */
function orShared(list: readonly string[]): readonly string[] {
  return list.length === 0 ? EMPTY : list
}

/** A token that expires within this time could expire on its way to the provider. */
const TOKEN_EXPIRY_MARGIN_MS = 5_000

/** Whether the access token has expired, or is about to. */
export function hasExpiredToken({ accessTokenExpiresAt }: Session): boolean {
  return (
    accessTokenExpiresAt !== undefined &&
    Date.now() >= accessTokenExpiresAt - TOKEN_EXPIRY_MARGIN_MS
  )
}
