import type { Connection } from '../flows/connection.js'
import { OAuthError } from '../http/errors.js'
import { identifierHash, type LogoutIndex } from '../session/logout-index.js'
import { everyEntryAfter } from '../session/paging.js'
import type { Session } from '../session/session.js'
import type { SessionRows } from '../session/session-rows.js'
import type { GuardedStore } from '../session/stores/guarded-store.js'
import type { StoreRecord } from '../session/stores/store.js'
import type { UserEmails } from '../session/user-emails.js'
import { recordedSessions, sessionsOfUser } from '../session/user-sessions.js'
import type { Members, Signal, UserIdentifier } from './signal.js'
import { isForeign, SignalledUsers } from './signalled-users.js'

/** What {@link SignalledSessions} depends on. */
export interface SignalledSessionsDeps {
  readonly store: GuardedStore
  readonly rows: SessionRows
  readonly index: LogoutIndex
  readonly emails: UserEmails
}

/** Sessions to look through for those of an organization or group. */
const MAX_SCANNED = 200_000
const PAGE_SIZE = 1_000

/** Which sessions of a user are meant: by hashes of the IDs that the provider has for them. */
interface Target {
  readonly user: string
  readonly sids: ReadonlySet<string>
  /** Whether a session without such an ID may be the one that is meant. */
  readonly includesUnnamed: boolean
}

/** Finds the sessions that a signal is about. */
export class SignalledSessions {
  readonly #deps: SignalledSessionsDeps
  readonly #users: SignalledUsers

  constructor(deps: SignalledSessionsDeps) {
    this.#deps = deps
    this.#users = new SignalledUsers({ ...deps, hasSession: (user) => this.#hasSession(user) })
  }

  /** The keys of the sessions of this client, with their users. Throws the errors of the store. */
  async find(signal: Signal, connection: Connection): Promise<ReadonlyMap<string, string>> {
    const { subject, until } = signal
    const isMeant = ({ client, createdAt }: Session) =>
      client === connection.clientKey && createdAt <= until
    if (subject.members !== undefined) return this.#members(subject.members, isMeant)
    const keys = new Map<string, string>()
    for (const target of await this.#targets(signal, connection))
      for await (const [key, row] of this.#sessionsOf(target.user)) {
        const session = this.#deps.rows.fromRow(key, row)
        if (session !== undefined && isMeant(session) && isNamed(session, target))
          keys.set(key, target.user)
      }
    return keys
  }

  /**
   * The keys of the users that a signal is about, if it is about everything of theirs and not about
   * one session. They need not have a session.
   */
  async users(signal: Signal, { clientKey }: Connection): Promise<readonly string[]> {
    const { sessions, members } = signal.subject
    if (sessions.length > 0 || members !== undefined) return []
    return this.#users.find(signal, clientKey)
  }

  async #targets(signal: Signal, { clientKey }: Connection): Promise<readonly Target[]> {
    const { users, sessions } = signal.subject
    const sids = new Set(sessions.flatMap((sid) => identifierHash(sid) ?? []))
    const found = await this.#users.find(signal, clientKey)
    if (found.length > 0)
      return found.map((user) => ({
        user,
        sids,
        // The provider may not tell us its ID of the session: then it can be any of the user.
        includesUnnamed: true,
      }))
    // The session of a user of another issuer is not ours, whatever its ID.
    if (users.length > 0 && users.every((identifier) => isForeign(identifier, signal))) return []
    return this.#ofSessions([...sessions, ...opaqueIds(users)], clientKey)
  }

  /** The users of sessions that are named by the ID of the provider alone. */
  async #ofSessions(ids: readonly string[], clientKey: string): Promise<readonly Target[]> {
    const targets = await Promise.all(
      ids.map(async (id) => {
        const user = await this.#users.ofSession(id, clientKey)
        const sids = new Set([identifierHash(id) ?? ''])
        return user === undefined ? [] : [{ user, sids, includesUnnamed: false }]
      }),
    )
    return targets.flat()
  }

  async #hasSession(user: string): Promise<boolean> {
    for await (const _ of this.#sessionsOf(user)) return true
    return false
  }

  /** If the store cannot list, the latest sessions are in the record of the user. */
  async *#sessionsOf(user: string): AsyncGenerator<readonly [key: string, row: StoreRecord]> {
    const { store } = this.#deps
    yield* store.entries === undefined ? recordedSessions(store, user) : sessionsOfUser(store, user)
  }

  async #members(
    { list, name }: Members,
    isMeant: (session: Session) => boolean,
  ): Promise<ReadonlyMap<string, string>> {
    const { store, rows } = this.#deps
    const keys = new Map<string, string>()
    let scanned = 0
    for await (const [key, row] of everyEntryAfter(store, { kind: 'session', size: PAGE_SIZE })) {
      if (++scanned > MAX_SCANNED)
        throw new OAuthError('store_not_listable', {
          hint: `a signal about all members of a group would look through more than ${MAX_SCANNED} sessions`,
        })
      const session = rows.fromRow(key, row)
      if (session !== undefined && isMeant(session) && isMember(session, list, name))
        keys.set(key, row.group)
    }
    return keys
  }
}

function opaqueIds(users: readonly UserIdentifier[]): readonly string[] {
  return users.flatMap((identifier) => (identifier.by === 'opaque' ? [identifier.id] : []))
}

function isNamed({ sid }: Session, { sids, includesUnnamed }: Target): boolean {
  if (sids.size === 0) return true
  return sid === undefined ? includesUnnamed : sids.has(sid)
}

/** Teams belong to an organization, and subgroups to a group. */
function isMember({ user }: Session, list: Members['list'], name: string): boolean {
  const { organizations, teams, groups } = user
  const names = list === 'groups' ? groups : [...organizations, ...teams]
  return names.some((entry) => {
    const lower = entry.toLowerCase()
    if (lower === name || lower.startsWith(`${name}/`)) return true
    // A rule may name a team by its numeric ID, which does not show the organization.
    return list === 'groups' ? isNamedLike(lower, name) : /^\d+$/.test(entry)
  })
}

/** GitLab may send the last part of the path only. A check too many does no harm. */
function isNamedLike(path: string, name: string): boolean {
  return !name.includes('/') && path.split('/').includes(name)
}
