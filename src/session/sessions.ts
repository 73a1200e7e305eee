import { LRUCache } from 'lru-cache'
import { readCookies } from '../http/cookies.js'
import { isId, randomId, sha256 } from '../http/ids.js'
import type { Encrypter } from '../http/encryption.js'
import { isObject } from '../http/json.js'
import { deepFreeze } from './stores/deep-freeze.js'
import { callStore } from './stores/guarded-store.js'
import {
  absoluteExpiry,
  idleExpiry,
  isExpired,
  type Lifetimes,
  type Session,
  SESSION_VERSION,
  rowTtl,
  remaining,
  activityWriteInterval,
} from './session.js'
import type { Awaitable, SessionStore, StoreRecord } from './stores/store.js'

/** Tokens of a session, opened. */
export interface Tokens {
  accessToken: string
  refreshToken: string | undefined
  idToken: string | undefined
}

/** A session whose visitor is at hand: the id opens its tokens. */
export interface OpenSession {
  readonly id: string
  readonly key: string
  readonly record: Session
}

/** Why a session is over. */
export type EndReason = 'logout' | 'revoked' | 'expired' | 'ended'

/**
 * Why a request is anonymous: it has no session (`none`), its session has expired or was revoked, or the rules deny the
 * user.
 */
export type AnonymousReason = 'none' | 'expired' | 'revoked' | 'denied'

/** The session of a request, or the reason why it has none. */
export type SessionResult =
  | { readonly session: OpenSession; readonly reason?: undefined }
  | { readonly session?: undefined; readonly reason: AnonymousReason }

export interface SessionsConfig {
  store: SessionStore
  encrypter: Encrypter
  /** Read at each use: they may change while sessions live. */
  lifetimes: () => Lifetimes
  /** Milliseconds for one store operation; read at each use, as the next. */
  timeout: () => number
  /** Milliseconds. */
  clockTolerance: () => number
  /** Called with what went wrong beside a request, without failing it. */
  onBackgroundError(error: unknown): void
  /** Called when this process learns that a session is over. */
  onEnd(key: string, reason: EndReason, wasThere: boolean): void
}

/** What a new session starts with; the rest follows. */
export type SessionStart = Omit<
  Session,
  | 'kind'
  | 'group'
  | 'createdAt'
  | 'revision'
  | 'version'
  | 'lastActiveAt'
  | 'headerTokens'
  | 'tokens'
  | 'deniedSince'
>

export interface Sessions {
  /**
   * The session of the first cookie that has one of this instance; a reason when none has. Store failures are
   * thrown.
   */
  find(
    cookieHeader: string | undefined,
    cookieName: string,
    now: number,
    instance: string,
  ): Awaitable<SessionResult>
  create(start: SessionStart, tokens: Tokens, now: number): Promise<OpenSession>
  /** Replaces what is still there and unchanged; `undefined` when it is not. */
  update(
    session: OpenSession,
    changes: Partial<Session>,
    tokens?: Tokens,
  ): Promise<OpenSession | undefined>
  /** The row as the store has it now. */
  reload(session: OpenSession): Promise<OpenSession | undefined>
  destroy(key: string, reason: EndReason): Promise<boolean>
  tokens(session: OpenSession): Tokens
  /** Whether the tokens can be opened: not when the secret that sealed them is gone. */
  hasTokens(session: Session): boolean
  /** Notes that the visitor is active, and writes it now and then. A changed id goes to the cookie. */
  recordActivity(session: OpenSession, now: number): OpenSession
  /** When the session ends by itself, and when it does without another request; milliseconds. */
  expiry(session: OpenSession): { expiresAt: number; idleExpiresAt: number | undefined }
  /** When the session of a visitor who is active now ends. */
  nextExpiry(session: Session, now: number): number
  /** Waits for writes under way. */
  drain(): Promise<void>
}

/** Longer tokens would push a request over the 16 KiB of headers that Node accepts. */
const MAX_HEADER_TOKEN = 8 * 1024
const MAX_CANDIDATES = 4
const REMEMBERED = 50_000

export function createSessions({
  store,
  encrypter,
  lifetimes,
  timeout,
  clockTolerance,
  onBackgroundError,
  onEnd,
}: SessionsConfig): Sessions {
  const activity = new LRUCache<string, { at: number; writtenAt: number }>({ max: REMEMBERED })
  const revoked = new LRUCache<string, true>({ max: 10_000 })
  const pending = new Set<Promise<unknown>>()

  const lastActiveAt = (key: string, session: Session) =>
    Math.max(session.lastActiveAt, activity.get(key)?.at ?? 0)
  const ttlOf = (session: Session, lastActive: number, now: number) =>
    rowTtl(session, lastActive, lifetimes(), now)
  const read = (key: string) => callStore(() => store.get(key), timeout())

  const judge = (
    id: string,
    key: string,
    record: StoreRecord | undefined,
    now: number,
    instance: string,
  ): SessionResult => {
    const session = parseSession(record)
    if (session === undefined) {
      if (revoked.has(key)) return { reason: 'revoked' }
      // Most stores drop a row by themselves: whoever was active here and is gone has expired.
      if (activity.delete(key)) onEnd(key, 'expired', true)
      return { reason: 'expired' }
    }
    // Another instance's session: its limits are not ours to apply.
    if (session.instance !== instance) return { reason: 'none' }
    if (!isExpired(session, lastActiveAt(key, session), lifetimes(), now, clockTolerance()))
      return { session: { id, key, record: session } }
    background(destroy(key, 'expired'))
    return { reason: 'expired' }
  }
  const destroy = async (key: string, reason: EndReason) => {
    activity.delete(key)
    if (reason !== 'logout' && reason !== 'expired') revoked.set(key, true)
    const wasThere = await callStore(() => store.delete(key), timeout())
    onEnd(key, reason, wasThere)
    return wasThere
  }
  const background = (work: Promise<unknown>) => {
    const done = work.catch(onBackgroundError).finally(() => pending.delete(done))
    pending.add(done)
  }

  /** Cookies of our name beyond the first are read only after a miss: they are another instance's, or planted. */
  const findNext = async (
    ids: readonly string[],
    first: SessionResult,
    now: number,
    instance: string,
  ): Promise<SessionResult> => {
    for (const id of ids.slice(1, MAX_CANDIDATES)) {
      const key = sha256(id)
      const found = judge(id, key, await read(key), now, instance)
      if (found.session !== undefined) return found
    }
    return first
  }

  return {
    find(cookieHeader, cookieName, now, instance) {
      const ids = readCookies(cookieHeader, cookieName).filter(isId)
      const [id] = ids
      if (id === undefined) return { reason: 'none' }
      const key = sha256(id)
      const record = read(key)
      const settle = (row: StoreRecord | undefined) => {
        const found = judge(id, key, row, now, instance)
        return found.session === undefined && ids.length > 1
          ? findNext(ids, found, now, instance)
          : found
      }
      return record instanceof Promise ? record.then(settle) : settle(record)
    },
    async create(start, tokens, now) {
      const id = randomId()
      const key = sha256(id)
      const session = newSession(start, now, sealTokens(encrypter, id, tokens))
      await callStore(() => store.set(key, session, ttlOf(session, now, now)), timeout())
      return { id, key, record: session }
    },
    async update({ id, key, record }, changes, tokens) {
      const now = Date.now()
      const changed: Session = deepFreeze({
        ...record,
        ...changes,
        lastActiveAt: lastActiveAt(key, record),
        revision: record.revision + 1,
        ...(tokens && sealTokens(encrypter, id, tokens)),
      })
      const isWritten = await callStore(
        () => store.update(key, changed, ttlOf(changed, changed.lastActiveAt, now)),
        timeout(),
      )
      return isWritten ? { id, key, record: changed } : undefined
    },
    async reload({ id, key, record: { instance } }) {
      return judge(id, key, await read(key), Date.now(), instance).session
    },
    destroy,
    tokens: ({ id, record }) => openTokens(encrypter, id, record),
    hasTokens: ({ tokens }) => encrypter.canDecrypt(tokens),
    recordActivity(session, now) {
      const { key, record } = session
      const known = activity.get(key)
      const writtenAt = Math.max(record.lastActiveAt, known?.writtenAt ?? 0)
      const limits = lifetimes()
      const isDue = now - writtenAt >= activityWriteInterval(limits)
      if (known === undefined) activity.set(key, { at: now, writtenAt: isDue ? now : writtenAt })
      else {
        known.at = now
        if (isDue) known.writtenAt = now
      }
      if (!isDue) return session
      const touched = deepFreeze({ ...record, lastActiveAt: now, revision: record.revision + 1 })
      // Losing against another write is fine: that write was activity, too.
      background(
        Promise.resolve().then(() =>
          callStore(() => store.update(key, touched, ttlOf(touched, now, now)), timeout()),
        ),
      )
      return session
    },
    expiry({ key, record }) {
      return {
        expiresAt: absoluteExpiry(record, lifetimes()),
        idleExpiresAt: idleExpiry(lastActiveAt(key, record), lifetimes()),
      }
    },
    nextExpiry: (session, now) => now + remaining(session, now, lifetimes(), now),
    async drain() {
      await Promise.all(pending)
    },
  }
}

/** A session as it begins. */
export function newSession(
  start: SessionStart,
  now: number,
  tokens: Pick<Session, 'tokens' | 'headerTokens'>,
): Session {
  return deepFreeze({
    ...start,
    kind: 'session',
    version: SESSION_VERSION,
    group: start.user.key,
    createdAt: now,
    revision: 1,
    deniedSince: undefined,
    lastActiveAt: now,
    ...tokens,
  })
}

/** What comes from outside is a session only if it looks like one; a newer version is left for those who know it. */
export function parseSession(record: StoreRecord | null | undefined): Session | undefined {
  if (record?.kind !== 'session') return undefined
  const { version, user, tokens, verdicts, createdAt, lastActiveAt } = record as Partial<Session>
  if (
    version !== SESSION_VERSION ||
    !isObject(user) ||
    typeof user.key !== 'string' ||
    typeof tokens !== 'string'
  )
    return undefined
  if (!isObject(verdicts) || typeof createdAt !== 'number' || typeof lastActiveAt !== 'number')
    return undefined
  return record as Session
}

function sealTokens(
  encrypter: Encrypter,
  id: string,
  tokens: Tokens,
): Pick<Session, 'tokens' | 'headerTokens'> {
  return {
    tokens: encrypter.encrypt('tokens', JSON.stringify(tokens), id),
    headerTokens: headerTokensOf(tokens),
  }
}

/** The tokens that fit a request header. */
export function headerTokensOf({ accessToken, refreshToken }: Tokens): Session['headerTokens'] {
  const fits = (token: string | undefined) =>
    token !== undefined && token.length <= MAX_HEADER_TOKEN
  return [
    ...(fits(accessToken) ? (['access'] as const) : []),
    ...(fits(refreshToken) ? (['refresh'] as const) : []),
  ]
}

function openTokens(encrypter: Encrypter, id: string, { tokens }: Session): Tokens {
  const opened = encrypter.decrypt('tokens', tokens, id)
  // Sealed under a secret that is gone: the login stands, its tokens cannot be had any more.
  if (opened === undefined) return { accessToken: '', refreshToken: undefined, idToken: undefined }
  return JSON.parse(opened)
}
