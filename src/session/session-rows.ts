import { createCache } from '../http/create-cache.js'
import type { Encrypter } from '../http/encryption.js'
import { type CompactRow, compactSession, expandSession } from './compact-session.js'
import { packSession, unpackSession } from './packed-session.js'
import { type BrowserSessionConfig, keptBrowser, type Session, withBrowser } from './session.js'
import { deepFreeze } from './stores/deep-freeze.js'
import type { StoreRecord } from './stores/store.js'

/** A session as it is stored outside the process. */
interface SessionRow extends StoreRecord {
  readonly kind: 'session'
  readonly v: number
  /** The packed fields. A string, so that no store converts, reorders or drops any of them. */
  readonly session: string
  readonly sealed: string
  /** Authenticates key and row with the secret. */
  readonly mac: string
}

/** When a session was last active, if that is stored apart from it. */
interface ActivityRow extends StoreRecord {
  readonly kind: 'seen'
  readonly mac: string
}

/** Rows of version 1 (release 0.1.0) had no `mac`: they count as expired. */
const ROW_VERSION = 2

/** Sessions of this process that are kept as objects: those of the latest requests. */
const MAX_RECENT_SESSIONS = 1_000

/** What {@link SessionRows} depends on. */
export interface SessionRowsDeps {
  readonly encrypter: Encrypter
  /** Whether the store keeps the objects of this process, so that rows need no authentication. */
  readonly isInProcess: boolean
  readonly browserSession: BrowserSessionConfig
}

interface RecentSessions {
  get(row: StoreRecord): { readonly key: string; readonly session: Session } | undefined
  set(row: StoreRecord, recent: { readonly key: string; readonly session: Session }): unknown
}

/**
 * Converts sessions to rows of the store and back. Every session that a store returns comes from
 * here: a row that was not written with the secret is not a session.
 */
export class SessionRows {
  readonly #deps: SessionRowsDeps
  /**
   * Sessions by row. Stores return the same row many times: it is verified and read once. Other
   * stores than that of this process decide how many rows they keep.
   */
  readonly #recent: RecentSessions

  constructor(deps: SessionRowsDeps) {
    this.#deps = deps
    this.#recent = deps.isInProcess ? createCache({ max: MAX_RECENT_SESSIONS }) : new WeakMap()
  }

  /** The row of a session. */
  toRow(key: string, written: Session): StoreRecord {
    const browser = keptBrowser(written, this.#deps.browserSession, Date.now())
    const session = withBrowser(written, browser)
    if (this.#deps.isInProcess) return this.#remember(key, compactSession(session), session)
    const { kind, group, createdAt, revision, sealed } = session
    const row = { kind, group, createdAt, revision, v: ROW_VERSION, sealed }
    const packed = packSession(session)
    const mac = this.#deps.encrypter.authenticate('row', textOf(key, { ...row, session: packed }))
    return { ...row, session: packed, mac } satisfies SessionRow as StoreRecord
  }

  /** The session of a row, or `undefined` if the row is not a session of this secret. */
  fromRow(key: string, row: StoreRecord | null | undefined): Session | undefined {
    if (row?.kind !== 'session') return undefined
    // Only rows that a store keeps are frozen and read again.
    const isShared = Object.isFrozen(row)
    const known = isShared ? this.#recent.get(row) : undefined
    if (known?.key === key) return known.session
    if (this.#deps.isInProcess && isCompactRow(row)) {
      const session = expandSession(row)
      this.#remember(key, row, session)
      return session
    }
    if (!isSessionRow(row)) return undefined
    if (!this.#deps.encrypter.isAuthentic('row', textOf(key, row), row.mac)) return undefined
    const session = unpackSession(row.session, row)
    if (isShared) this.#remember(key, row, deepFreeze(session))
    return session
  }

  #remember(key: string, row: StoreRecord, session: Session): StoreRecord {
    this.#recent.set(row, { key, session })
    return row
  }

  /** The row of a session's last activity, for stores whose updates are not atomic. */
  toActivityRow(key: string, at: number): StoreRecord {
    const mac = this.#deps.encrypter.authenticate('row', activityText(key, at))
    const row: ActivityRow = { kind: 'seen', group: '', createdAt: at, revision: 1, mac }
    return row
  }

  /** The time of an activity row; `undefined` if it was not written with the secret. */
  activityOf(key: string, row: StoreRecord | undefined): number | undefined {
    if (row?.kind !== 'seen') return undefined
    const { createdAt: at, mac } = row as Partial<ActivityRow>
    if (typeof at !== 'number' || typeof mac !== 'string') return undefined
    return this.#deps.encrypter.isAuthentic('row', activityText(key, at), mac) ? at : undefined
  }
}

/** Of the sealed data only the end, its authentication tag, which identifies it. */
function textOf(
  key: string,
  { group, createdAt, revision, session, sealed }: Omit<SessionRow, 'mac'>,
): string {
  return `${key}\n${createdAt}\n${revision}\n${sealed.slice(-SEALED_END)}\n${group}\n${session}`
}

function activityText(key: string, at: number): string {
  return `${key}\n${at}`
}

/** 22 characters of base64url contain the 16 bytes of the tag. */
const SEALED_END = 22

/** Only {@link compactSession} creates an object that is not JSON's. */
function isCompactRow(row: StoreRecord): row is CompactRow {
  return 'shared' in row
}

function isSessionRow(row: StoreRecord): row is SessionRow {
  const { v, group, createdAt, revision, session, sealed, mac } = row as Partial<SessionRow>
  return (
    v === ROW_VERSION &&
    typeof group === 'string' &&
    typeof createdAt === 'number' &&
    typeof revision === 'number' &&
    typeof session === 'string' &&
    typeof sealed === 'string' &&
    typeof mac === 'string'
  )
}
