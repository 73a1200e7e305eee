import { sha256 } from '../http/ids.js'
import { MAX_SESSION_MS } from './lifetimes.js'
import type { SessionRows } from './session-rows.js'
import type { OpenSession } from './sessions.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { StoreRecord } from './stores/store.js'
import { readRecord } from './user-record.js'
import { sessionsOfUser } from './user-sessions.js'

/** The subject of a logout token: a session at the provider (`sid`), its user (`sub`), or both. */
export interface LogoutSubject {
  readonly sid: string | undefined
  readonly sub: string | undefined
}

/** A logout token that was accepted. Its group is the client. */
interface UsedToken extends StoreRecord {
  readonly kind: 'jti'
}

/** A record that maps an identifier of the provider to a session. Its group is the user's key. */
interface Pointer extends StoreRecord {
  readonly kind: 'sid' | 'sub'
  /** The key of the latest session. */
  readonly session: string
  /** Hash of the `sub` of the session. */
  readonly subject: string | undefined
}

/**
 * Finds the sessions that a logout token of the provider refers to (OpenID Connect Back-Channel
 * Logout 1.0).
 */
export class LogoutIndex {
  readonly #store: GuardedStore
  readonly #rows: SessionRows

  constructor(store: GuardedStore, rows: SessionRows) {
    this.#store = store
    this.#rows = rows
  }

  /**
   * Adds a session.
   *
   * @param ttl The time until the session expires at the latest, in milliseconds.
   */
  async add(session: OpenSession, ttl: number): Promise<void> {
    const { boundClaims, subject } = session.unseal()
    const hash = identifierHash(subject)
    await this.#addPointer('sid', boundClaims['sid'], hash, session, ttl)
    // One record per user. It must outlive sessions whose lifetime a later configuration extends.
    await this.#addPointer('sub', subject, hash, session, MAX_SESSION_MS)
  }

  /**
   * The keys of the sessions of this client that were created until `until`; without a `sid`, all
   * such sessions of the user.
   *
   * @param client The `client` of the sessions.
   */
  async find(
    client: string,
    { sid, sub }: LogoutSubject,
    until: number,
  ): Promise<readonly string[]> {
    const pointer = await this.#read('sid', client, sid)
    const user = await this.#read('sub', client, sub)
    if (sub !== undefined && pointer !== undefined && pointer.subject !== identifierHash(sub))
      return []
    // One session at the provider can have several sessions here. Without a list, only the latest
    // is known.
    if (pointer !== undefined && this.#store.entries === undefined)
      return pointer.createdAt <= until ? [pointer.session] : []
    const group = (pointer ?? user)?.group
    if (group === undefined) return []
    const keys: string[] = []
    for await (const [key, row] of sessionsOfUser(this.#store, group)) {
      const session = this.#rows.fromRow(key, row)
      if (session === undefined || session.createdAt > until) continue
      const isOfSid = sid === undefined || session.sid === identifierHash(sid)
      if (session.client === client && isOfSid) keys.push(key)
    }
    return keys
  }

  /** The key of the user with this `sub`, or of the user of a session with this `sid`. */
  async userOf(kind: Pointer['kind'], client: string, value: string): Promise<string | undefined> {
    return (await this.#read(kind, client, value))?.group
  }

  /** Whether any process that uses the store has accepted the logout token. */
  async isUsed(client: string, jti: string): Promise<boolean> {
    return (
      (await readRecord<UsedToken>(this.#store, recordKey('jti', client, jti), 'jti')) !== undefined
    )
  }

  /** Records that the logout token was accepted, for `ttl` milliseconds. */
  async markUsed(client: string, jti: string, ttl: number): Promise<void> {
    const record: UsedToken = { kind: 'jti', group: client, createdAt: Date.now(), revision: 1 }
    await this.#store.set(recordKey('jti', client, jti), record, ttl)
  }

  async #addPointer(
    kind: Pointer['kind'],
    value: unknown,
    subject: string | undefined,
    { key, record }: OpenSession,
    ttl: number,
  ): Promise<void> {
    if (typeof value !== 'string') return
    const { group, createdAt, client } = record
    const pointer: Pointer = { kind, group, createdAt, revision: 1, session: key, subject }
    await this.#store.set(recordKey(kind, client, value), pointer, ttl)
  }

  async #read(
    kind: Pointer['kind'],
    client: string,
    value: string | undefined,
  ): Promise<Pointer | undefined> {
    if (value === undefined) return undefined
    return readRecord<Pointer>(this.#store, recordKey(kind, client, value), kind)
  }
}

/** What is stored of a `sid` or `sub`: it needs to be found, not to be read. */
export function identifierHash(value: unknown): string | undefined {
  return typeof value === 'string' ? sha256(value).slice(0, 16) : undefined
}

function recordKey(kind: (Pointer | UsedToken)['kind'], client: string, value: string): string {
  return `${kind}-${sha256(JSON.stringify([client, value]))}`
}
