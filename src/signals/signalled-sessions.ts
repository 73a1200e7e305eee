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

  constructor(deps: SignalledSessionsDeps) {
    this.#deps = deps
  }

  /** The keys of the sessions of this client. Throws the errors of the store. */
  async find(signal: Signal, connection: Connection): Promise<readonly string[]> {
    const { subject, until } = signal
    const isMeant = ({ client, createdAt }: Session) =>
      client === connection.clientKey && createdAt <= until
    if (subject.members !== undefined) return this.#members(subject.members, isMeant)
    const keys = new Set<string>()
    for (const target of await this.#targets(signal, connection))
      for await (const [key, row] of this.#sessionsOf(target.user)) {
        const session = this.#deps.rows.fromRow(key, row)
        if (session !== undefined && isMeant(session) && isNamed(session, target)) keys.add(key)
      }
    return [...keys]
  }

  /**
   * The keys of the users that a signal is about, if it is about everything of theirs and not about
   * one session. They need not have a session.
   */
  async users(signal: Signal, { clientKey }: Connection): Promise<readonly string[]> {
    const { users, sessions, members } = signal.subject
    if (sessions.length > 0 || members !== undefined) return []
    const found = await Promise.all(users.map((one) => this.#usersOf(one, signal, clientKey)))
    return [...new Set(found.flat())]
  }

  async #targets(signal: Signal, { clientKey }: Connection): Promise<readonly Target[]> {
    const { users, sessions } = signal.subject
    const sids = new Set(sessions.flatMap((sid) => identifierHash(sid) ?? []))
    const found = await Promise.all(
      users.map((identifier) => this.#usersOf(identifier, signal, clientKey)),
    )
    const targets = [...new Set(found.flat())].map((user) => ({
      user,
      sids,
      // The provider may not tell us its ID of the session: then it can be any of the user.
      includesUnnamed: true,
    }))
    return users.length > 0 && targets.length > 0
      ? targets
      : this.#ofSessions([...sessions, ...opaqueIds(users)], clientKey)
  }

  /** The users of sessions that are named by the ID of the provider alone. */
  async #ofSessions(ids: readonly string[], clientKey: string): Promise<readonly Target[]> {
    const targets = await Promise.all(
      ids.map(async (id) => {
        const user = await this.#deps.index.userOf('sid', clientKey, id)
        const sids = new Set([identifierHash(id) ?? ''])
        return user === undefined ? [] : [{ user, sids, includesUnnamed: false }]
      }),
    )
    return targets.flat()
  }

  async #usersOf(
    identifier: UserIdentifier,
    { provider, issuers }: Signal,
    clientKey: string,
  ): Promise<readonly string[]> {
    switch (identifier.by) {
      case 'subject':
        // The subject of another issuer is another user.
        return issuers.some((issuer) => isSameIssuer(issuer, identifier.issuer))
          ? this.#withSubject(identifier.subject, provider, clientKey)
          : []
      case 'opaque':
        return this.#withSubject(identifier.id, provider, clientKey)
      case 'email':
        return this.#deps.emails.find(clientKey, identifier.email)
      case 'id':
        return [`${provider}:${identifier.id}`]
      case 'key':
        return identifier.key.startsWith(`${provider}:`) ? [identifier.key] : []
    }
  }

  /** Most providers use `sub` as the ID of the user. */
  async #withSubject(
    subject: string,
    provider: string,
    clientKey: string,
  ): Promise<readonly string[]> {
    const user = await this.#deps.index.userOf('sub', clientKey, subject)
    if (user !== undefined) return [user]
    // Without a record of the subject, an unknown ID is that of a session.
    const isSession = (await this.#deps.index.userOf('sid', clientKey, subject)) !== undefined
    return isSession ? [] : [`${provider}:${subject}`]
  }

  /** If the store cannot list, the latest sessions are in the record of the user. */
  async *#sessionsOf(user: string): AsyncGenerator<readonly [key: string, row: StoreRecord]> {
    const { store } = this.#deps
    yield* store.entries === undefined ? recordedSessions(store, user) : sessionsOfUser(store, user)
  }

  async #members(
    { list, name }: Members,
    isMeant: (session: Session) => boolean,
  ): Promise<readonly string[]> {
    const { store, rows } = this.#deps
    const keys: string[] = []
    let scanned = 0
    for await (const [key, row] of everyEntryAfter(store, { kind: 'session', size: PAGE_SIZE })) {
      if (++scanned > MAX_SCANNED)
        throw new OAuthError('store_not_listable', {
          hint: `a signal about all members of a group would look through more than ${MAX_SCANNED} sessions`,
        })
      const session = rows.fromRow(key, row)
      if (session !== undefined && isMeant(session) && isMember(session, list, name)) keys.push(key)
    }
    return keys
  }
}

/** Issuers that differ by a slash at the end are the same: Google uses both. */
export function isSameIssuer(a: string, b: string): boolean {
  return a.replace(/\/$/, '') === b.replace(/\/$/, '')
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
    return lower === name || lower.startsWith(`${name}/`) || isNumericTeam(list, entry)
  })
}

/** A rule may name a team by its numeric ID, which does not show the organization. */
function isNumericTeam(list: Members['list'], entry: string): boolean {
  return list === 'organizations' && /^\d+$/.test(entry)
}
