import { OAuthError } from '../errors.js'
import { sha256 } from '../http/seal.js'
import { guard } from './guard.js'
import type { Session } from './session.js'
import type { EntriesPage, SessionStore, StoreRecord } from './store.js'

/** Finds sessions by what a provider calls them: its session id, or its user's subject. */
export interface LogoutIndex {
  note(key: string, session: Session, ttl: number): Promise<void>
  /** Keys of the sessions; of all of a user's where no session is named. */
  find(provider: string, by: { sid: string | undefined; sub: string | undefined }): Promise<readonly string[]>
}

interface Pointer extends StoreRecord {
  readonly kind: 'pointer'
  /** The key of the session, or of the user. */
  readonly to: string
}

export function createLogoutIndex(store: SessionStore, storeTimeout: number): LogoutIndex {
  const keyOf = (provider: string, what: 'sid' | 'sub', value: string) => `${what}-${sha256(`${provider} ${value}`)}`
  const point = (key: string, to: string, session: Session, ttl: number) => {
    const pointer: Pointer = { kind: 'pointer', group: session.group, createdAt: session.createdAt, revision: 1, to }
    return guard(() => store.set(key, pointer, ttl), storeTimeout)
  }
  const follow = async (key: string): Promise<string | undefined> => {
    const record = await guard(() => store.get(key), storeTimeout)
    return record?.kind === 'pointer' ? (record as Pointer).to : undefined
  }
  const sessionsOf = async (group: string): Promise<string[]> => {
    const list = store.entries?.bind(store)
    if (list === undefined) throw new OAuthError('store_not_listable')
    const keys: string[] = []
    let after: string | undefined
    do {
      const page: EntriesPage = await guard(() => list({ kind: 'session', group, after, limit: 1000 }), storeTimeout)
      keys.push(...page.entries.map(([key]) => key))
      after = page.next
    } while (after !== undefined)
    return keys
  }

  return {
    async note(key, session, ttl) {
      const sid = session.boundClaims['sid']
      if (typeof sid === 'string') await point(keyOf(session.provider, 'sid', sid), key, session, ttl)
      if (session.subject !== undefined) await point(keyOf(session.provider, 'sub', session.subject), session.user.key, session, ttl)
    },
    async find(provider, { sid, sub }) {
      if (sid !== undefined) {
        const key = await follow(keyOf(provider, 'sid', sid))
        return key === undefined ? [] : [key]
      }
      const user = sub === undefined ? undefined : await follow(keyOf(provider, 'sub', sub))
      return user === undefined ? [] : sessionsOf(user)
    },
  }
}
