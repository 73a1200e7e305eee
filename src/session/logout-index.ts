import { OAuthError } from '../http/errors.js'
import { sha256 } from '../http/ids.js'
import { callStore } from './stores/guarded-store.js'
import { MAX_SESSION_MS, type Session } from './session.js'
import type { EntriesPage, SessionStore, StoreRecord } from './stores/store.js'

/** What made a session: a provider may share its name with another app's in the same store. */
export type SessionMaker = Pick<Session, 'provider' | 'issuer' | 'clientId'>

/** Finds sessions by what a provider calls them: its session id, or its user's subject. */
export interface LogoutIndex {
  /** `ttl`: until the session ends in any case by the limits of now, in milliseconds. */
  note(key: string, session: Session, ttl: number): Promise<void>
  /** Keys of the sessions; of all of a user's where no session is named. */
  find(
    maker: SessionMaker,
    by: { sid: string | undefined; sub: string | undefined },
  ): Promise<readonly string[]>
}

/** From the provider's name for something to ours. */
interface Pointer extends StoreRecord {
  /** The user's key is the record's group. */
  readonly kind: 'sid' | 'sub'
  /** The latest session. */
  readonly session: string
}

export function createLogoutIndex(store: SessionStore, storeTimeout: () => number): LogoutIndex {
  const list = store.entries?.bind(store)
  const keyOf = (
    kind: Pointer['kind'],
    { provider, issuer, clientId }: SessionMaker,
    value: string,
  ) => `${kind}-${sha256(JSON.stringify([provider, issuer, clientId, value]))}`
  const point = async (
    kind: Pointer['kind'],
    value: unknown,
    key: string,
    session: Session,
    ttl: number,
  ) => {
    if (typeof value !== 'string') return
    const pointer: Pointer = {
      kind,
      group: session.group,
      createdAt: session.createdAt,
      revision: 1,
      session: key,
    }
    await callStore(() => store.set(keyOf(kind, session, value), pointer, ttl), storeTimeout())
  }
  const follow = async (
    kind: Pointer['kind'],
    maker: SessionMaker,
    value: string | undefined,
  ): Promise<Pointer | undefined> => {
    if (value === undefined) return undefined
    const record = await callStore(() => store.get(keyOf(kind, maker, value)), storeTimeout())
    return record?.kind === kind ? (record as Pointer) : undefined
  }
  const sessionsOf = async (
    group: string,
    isMeant: (session: Session) => boolean,
  ): Promise<string[]> => {
    if (list === undefined) throw new OAuthError('store_not_listable')
    const keys: string[] = []
    let after: string | undefined
    do {
      const page: EntriesPage = await callStore(
        () => list({ kind: 'session', group, after, limit: 1000 }),
        storeTimeout(),
      )
      for (const [key, record] of page.entries) if (isMeant(record as Session)) keys.push(key)
      after = page.next
    } while (after !== undefined)
    return keys
  }

  return {
    async note(key, session, ttl) {
      await point('sid', session.boundClaims['sid'], key, session, ttl)
      // One for each user: it has to outlive sessions that a later configuration gives more time.
      await point('sub', session.subject, key, session, MAX_SESSION_MS)
    },
    async find(maker, { sid, sub }) {
      const isMeant = ({ provider, issuer, clientId, subject, boundClaims }: Session) =>
        provider === maker.provider &&
        issuer === maker.issuer &&
        clientId === maker.clientId &&
        (sid === undefined || boundClaims['sid'] === sid) &&
        (sub === undefined || subject === sub)
      const named = await follow('sid', maker, sid)
      // One session at the provider may have led to several here; without a list the latest is known.
      if (named !== undefined && list === undefined) return [named.session]
      const user = named ?? (await follow('sub', maker, sub))
      return user === undefined ? [] : sessionsOf(user.group, isMeant)
    },
  }
}
