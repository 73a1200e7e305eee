import { isStoreKey } from '../http/ids.js'
import type {
  AppSession,
  AppUser,
  BlockedUser,
  InstanceSession,
  ListPosition,
  Row,
} from '../middleware/admin-access.js'
import type { ResourceId } from './ids.js'
import type { NamedGate } from './options.js'
import type { PageQuery } from './query.js'

/** One page of a list. */
export interface AdminPage<T> {
  readonly items: readonly T[]
  /** Whether there is another item after the last one. */
  readonly hasMore: boolean
}

/** A session, and the gate at which the user signed in, if it is one of the modules. */
export interface GateSession {
  readonly session: AppSession
  readonly gate: NamedGate | undefined
}

/** Reads and changes what the gates have stored. */
export class Administration {
  readonly #gates: readonly [NamedGate, ...NamedGate[]]
  /** All gates share one store: any of them lists all records. */
  readonly #first: NamedGate

  constructor(gates: readonly [NamedGate, ...NamedGate[]]) {
    this.#gates = gates
    this.#first = gates[0]
  }

  /** A page of users, newest first. */
  users({ before, limit }: PageQuery): Promise<AdminPage<AppUser>> {
    return take(this.#first.access.users(before, limit + 1), limit)
  }

  /** A page of sessions, newest first. */
  sessions({ before, limit }: PageQuery): Promise<AdminPage<GateSession>> {
    return take(this.#described(before, limit + 1), limit)
  }

  /** The user with this ID. One who was deleted and signed in again has another ID. */
  async user({ id, createdAt }: ResourceId): Promise<AppUser | undefined> {
    const user = await this.#first.access.user(id)
    return user?.createdAt === createdAt ? user : undefined
  }

  /** The gates. */
  get gates(): readonly [NamedGate, ...NamedGate[]] {
    return this.#gates
  }

  /** The number of records; `undefined` if the store cannot count them. */
  async count(kind: 'user' | 'session'): Promise<number | undefined> {
    return this.#first.access.count(kind)
  }

  /** The session with this public ID. */
  async sessionByHandle(handle: string): Promise<GateSession | undefined> {
    if (!isStoreKey(handle)) return undefined
    const row = await this.#first.access.row(handle)
    return row === undefined ? undefined : this.#describe([handle, row])
  }

  /** The users with these keys, as far as they exist. */
  async usersByKey(keys: Iterable<string>): Promise<ReadonlyMap<string, AppUser>> {
    const users = await Promise.all([...new Set(keys)].map((key) => this.#first.access.user(key)))
    return new Map(users.flatMap((user) => (user === undefined ? [] : [[user.id, user]])))
  }

  /** The session with this ID. */
  async session({ id, createdAt }: ResourceId): Promise<GateSession | undefined> {
    const row = await this.#first.access.row(id)
    const found = row === undefined ? undefined : this.#describe([id, row])
    return found?.session.createdAt === createdAt ? found : undefined
  }

  /**
   * Ends the sessions of a user, each at its own gate, which closes its sockets and emits the event.
   * Returns whether the user existed.
   */
  async deleteUser(id: string): Promise<boolean> {
    await this.endSessionsOf(id)
    // Every gate remembers in this process when a user was last active.
    let existed = false
    for (const { access } of this.#gates) if (await access.deleteUser(id)) existed = true
    return existed
  }

  /** The sessions of a user, newest first. */
  async sessionsOf(userId: string): Promise<readonly GateSession[]> {
    const rows: Row[] = []
    for await (const row of this.#first.access.sessionRowsOf(userId)) rows.push(row)
    return rows
      .flatMap((row) => this.#describe(row) ?? [])
      .sort((one, other) => other.session.createdAt - one.session.createdAt)
  }

  /** Ends the sessions of a user, each at its own gate. Returns their number. */
  async endSessionsOf(userId: string): Promise<number> {
    let ended = 0
    for (const found of await this.sessionsOf(userId)) if (await this.deleteSession(found)) ended++
    return ended
  }

  /** Blocks a user, and ends all sessions. Returns whether the user was not blocked before. */
  async blockUser(id: string): Promise<boolean> {
    await this.endSessionsOf(id)
    // Last: it also ends the sessions of logins that did not see the block.
    return this.#first.access.blockUser(id)
  }

  /** Lets a blocked user sign in again. Returns whether the user was blocked. */
  unblockUser(id: string): Promise<boolean> {
    return this.#first.access.unblockUser(id)
  }

  /** A page of users who are blocked, the latest first. */
  blockedUsers({ before, limit }: PageQuery): Promise<AdminPage<BlockedUser>> {
    return take(this.#first.access.blockedUsers(before, limit + 1), limit)
  }

  /** Those of the users who are blocked. */
  async blockedAmong(ids: Iterable<string>): Promise<ReadonlySet<string>> {
    const { access } = this.#first
    const all = await Promise.all(
      [...new Set(ids)].map(async (id) => ((await access.isBlocked(id)) ? [id] : [])),
    )
    return new Set(all.flat())
  }

  /** A user by `provider:id`. */
  userByKey(key: string): Promise<AppUser | undefined> {
    return this.#first.access.user(key)
  }

  /** Users from a position on, newest first, read in pages of `size`. */
  everyUser(before: ListPosition | undefined, size: number): AsyncIterable<AppUser> {
    return this.#first.access.users(before, size)
  }

  /** Ends a session. Returns whether it existed. */
  deleteSession({ session, gate = this.#first }: GateSession): Promise<boolean> {
    return gate.access.revoke(session.id)
  }

  /** Every session, newest first, read in pages of `size`. */
  everySession(size: number): AsyncIterable<GateSession> {
    return this.#described(undefined, size)
  }

  /** The number of users who were active in a month. */
  monthlyActiveUsers(month: string | undefined): Promise<number> {
    return this.#first.access.monthlyActiveUsers(month)
  }

  async *#described(before: ListPosition | undefined, size: number): AsyncIterable<GateSession> {
    for await (const row of this.#first.access.sessionRows(before, size)) {
      const found = this.#describe(row)
      if (found !== undefined) yield found
    }
  }

  /** Gates can have different secrets, and different lifetimes of sessions. */
  #describe([key, row]: Row): GateSession | undefined {
    let described: InstanceSession | undefined
    for (const { access } of this.#gates) described ??= access.describe(key, row)
    if (described === undefined) return undefined
    const gate = this.#gateOf(described.instance)
    const { session } = gate?.access.describe(key, row) ?? described
    return { session, gate }
  }

  #gateOf(instance: string): NamedGate | undefined {
    const whose = this.#gates.map((gate) => ({ gate, isOwn: gate.access.isOfGate(instance) }))
    for (const answer of ['yes', 'maybe'] as const) {
      const [found, another] = whose.filter(({ isOwn }) => isOwn === answer)
      if (found !== undefined) return another === undefined ? found.gate : undefined
    }
    return undefined
  }
}

/** Up to `limit` items. One more shows whether there are others. */
async function take<T>(all: AsyncIterable<T>, limit: number): Promise<AdminPage<T>> {
  const items: T[] = []
  for await (const item of all) {
    if (items.length === limit) return { items, hasMore: true }
    items.push(item)
  }
  return { items, hasMore: false }
}
