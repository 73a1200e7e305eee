import { sha256 } from '../http/ids.js'
import { MAX_SESSION_MS } from './lifetimes.js'
import { everyEntry } from './paging.js'
import type { Session } from './session.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { StoreRecord } from './stores/store.js'
import { readRecord } from './user-record.js'

/** The client that created a session: providers of different apps that share a store may have the same name. */
export type SessionMaker = Pick<Session, 'provider' | 'issuer' | 'clientId'>

/** What a logout token names: a session at the provider, its user, or both. */
export interface LogoutSubject {
  readonly sid: string | undefined
  readonly sub: string | undefined
}

/** The record that leads from an identifier of the provider to a session. Its group is the user's key. */
interface Pointer extends StoreRecord {
  readonly kind: 'sid' | 'sub'
  /** The key of the latest session. */
  readonly session: string
}

/** Finds the sessions that a logout token of the provider refers to (OpenID Connect Back-Channel Logout 1.0). */
export class LogoutIndex {
  readonly #store: GuardedStore

  constructor(store: GuardedStore) {
    this.#store = store
  }

  /**
   * Adds a session.
   *
   * @param ttl The time until the session expires at the latest, in milliseconds.
   */
  async add(key: string, session: Session, ttl: number): Promise<void> {
    await this.#point('sid', session.boundClaims['sid'], key, session, ttl)
    // One record per user, which must outlive sessions to which a later configuration gives more time.
    await this.#point('sub', session.subject, key, session, MAX_SESSION_MS)
  }

  /** The keys of the sessions of this client; without a `sid`, all sessions of the user. */
  async find(maker: SessionMaker, { sid, sub }: LogoutSubject): Promise<readonly string[]> {
    const pointer = await this.#read('sid', maker, sid)
    // One session at the provider can have several sessions here; a store that cannot list has only the latest.
    if (pointer !== undefined && this.#store.entries === undefined) return [pointer.session]
    const user = pointer ?? (await this.#read('sub', maker, sub))
    if (user === undefined) return []
    const keys: string[] = []
    for await (const [key, record] of everyEntry(this.#store, 'session', user.group))
      if (isMeant(record as Session, maker, { sid, sub })) keys.push(key)
    return keys
  }

  async #point(
    kind: Pointer['kind'],
    value: unknown,
    key: string,
    session: Session,
    ttl: number,
  ): Promise<void> {
    if (typeof value !== 'string') return
    const { group, createdAt } = session
    const pointer: Pointer = { kind, group, createdAt, revision: 1, session: key }
    await this.#store.set(pointerKey(kind, session, value), pointer, ttl)
  }

  async #read(
    kind: Pointer['kind'],
    maker: SessionMaker,
    value: string | undefined,
  ): Promise<Pointer | undefined> {
    if (value === undefined) return undefined
    return readRecord<Pointer>(this.#store, pointerKey(kind, maker, value), kind)
  }
}

function pointerKey(
  kind: Pointer['kind'],
  { provider, issuer, clientId }: SessionMaker,
  value: string,
): string {
  return `${kind}-${sha256(JSON.stringify([provider, issuer, clientId, value]))}`
}

function isMeant(session: Session, maker: SessionMaker, { sid, sub }: LogoutSubject): boolean {
  return (
    session.provider === maker.provider &&
    session.issuer === maker.issuer &&
    session.clientId === maker.clientId &&
    (sid === undefined || session.boundClaims['sid'] === sid) &&
    (sub === undefined || session.subject === sub)
  )
}
