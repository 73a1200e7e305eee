import { sha256 } from '../http/ids.js'
import { MAX_SESSION_MS } from './lifetimes.js'
import { everyEntry } from './paging.js'
import type { Session } from './session.js'
import type { GuardedStore } from './stores/guarded-store.js'
import type { StoreRecord } from './stores/store.js'
import { readRecord } from './user-record.js'

/**
 * The client that created a session. The name of the provider is not enough: apps may share a
 * store.
 */
export type SessionClient = Pick<Session, 'provider' | 'issuer' | 'clientId'>

/** The subject of a logout token: a session at the provider (`sid`), its user (`sub`), or both. */
export interface LogoutSubject {
  readonly sid: string | undefined
  readonly sub: string | undefined
}

/** A record that maps an identifier of the provider to a session. Its group is the user's key. */
interface Pointer extends StoreRecord {
  readonly kind: 'sid' | 'sub'
  /** The key of the latest session. */
  readonly session: string
}

/**
 * Finds the sessions that a logout token of the provider refers to (OpenID Connect Back-Channel
 * Logout 1.0).
 */
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
    await this.#addPointer('sid', session.boundClaims['sid'], key, session, ttl)
    // One record per user. It must outlive sessions whose lifetime a later configuration extends.
    await this.#addPointer('sub', session.subject, key, session, MAX_SESSION_MS)
  }

  /** The keys of the sessions of this client; without a `sid`, all sessions of the user. */
  async find(client: SessionClient, { sid, sub }: LogoutSubject): Promise<readonly string[]> {
    const pointer = await this.#read('sid', client, sid)
    // One session at the provider can have several sessions here. Without a list, only the latest
    // is known.
    if (pointer !== undefined && this.#store.entries === undefined) return [pointer.session]
    const user = pointer ?? (await this.#read('sub', client, sub))
    if (user === undefined) return []
    const keys: string[] = []
    for await (const [key, record] of everyEntry(this.#store, 'session', user.group))
      if (matches(record as Session, client, { sid, sub })) keys.push(key)
    return keys
  }

  async #addPointer(
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
    client: SessionClient,
    value: string | undefined,
  ): Promise<Pointer | undefined> {
    if (value === undefined) return undefined
    return readRecord<Pointer>(this.#store, pointerKey(kind, client, value), kind)
  }
}

function pointerKey(
  kind: Pointer['kind'],
  { provider, issuer, clientId }: SessionClient,
  value: string,
): string {
  return `${kind}-${sha256(JSON.stringify([provider, issuer, clientId, value]))}`
}

function matches(session: Session, client: SessionClient, { sid, sub }: LogoutSubject): boolean {
  return (
    session.provider === client.provider &&
    session.issuer === client.issuer &&
    session.clientId === client.clientId &&
    (sid === undefined || session.boundClaims['sid'] === sid) &&
    (sub === undefined || session.subject === sub)
  )
}
