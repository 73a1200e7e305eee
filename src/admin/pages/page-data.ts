import type { AppUser, BlockedUser, ListPosition } from '../../middleware/admin-access.js'
import type { Administration, AdminPage, GateSession } from '../administration.js'
import type { AuditLog } from '../audit-log.js'
import { decodeId } from '../ids.js'
import type { Locator } from '../locator.js'
import { UserAgents, type UserAgentView } from '../../http/user-agent.js'
import { readPosition, writePosition } from './list-position.js'
import { MonthlyUsage } from './monthly-usage.js'
import { notFound } from './screen.js'
import type { SessionItem } from './session-table.js'

/** A user who is blocked; `user` is `undefined` for one without a record. */
export interface BlockedItem extends BlockedUser {
  readonly user: AppUser | undefined
}

/** What {@link PageData} depends on. */
export interface PageDataDeps {
  readonly administration: Administration
  readonly locator: Locator
  readonly auditLog: AuditLog
}

/** Reads what the pages show. */
export class PageData {
  readonly administration: Administration
  readonly usage: MonthlyUsage
  readonly auditLog: AuditLog
  readonly #locator: Locator
  readonly #userAgents = new UserAgents()

  constructor({ administration, locator, auditLog }: PageDataDeps) {
    this.administration = administration
    this.auditLog = auditLog
    this.usage = new MonthlyUsage(administration)
    this.#locator = locator
  }

  /** What a header `User-Agent` reveals. */
  userAgent(raw: string): UserAgentView {
    return this.#userAgents.view(raw)
  }

  /** Whether sessions can be those of several gates. */
  get hasSeveralGates(): boolean {
    return this.administration.gates.length > 1
  }

  /** The numbers of users and sessions, if the store can count them. */
  async counts(): Promise<{ users: number | undefined; sessions: number | undefined }> {
    const [users, sessions] = await Promise.all([
      this.administration.count('user'),
      this.administration.count('session'),
    ])
    return { users, sessions }
  }

  /** A page of users, and those of them who are blocked. */
  async users(
    before: ListPosition | undefined,
    limit: number,
  ): Promise<AdminPage<AppUser> & { readonly blocked: ReadonlySet<string> }> {
    const page = await this.administration.users({ before, limit })
    return { ...page, blocked: await this.blockedAmong(page.items) }
  }

  /** A page of users who are blocked; `next` is the cursor of the page that follows. */
  async blocked(
    cursor: string | null,
    limit: number,
  ): Promise<{ items: readonly BlockedItem[]; next: string | undefined }> {
    const before = readPosition(cursor)
    const { items, hasMore } = await this.administration.blockedUsers({ before, limit })
    const users = await this.administration.usersByKey(items.map(({ id }) => id))
    const last = hasMore ? items.at(-1) : undefined
    return {
      items: items.map((item) => ({ ...item, user: users.get(item.id) })),
      next: last && writePosition(last.position),
    }
  }

  /** Those of the users who are blocked. */
  blockedAmong(users: readonly AppUser[]): Promise<ReadonlySet<string>> {
    return this.administration.blockedAmong(users.map(({ id }) => id))
  }

  /** The user with an ID of the API. Throws a {@link notFound} error if there is none. */
  async user(id: string): Promise<AppUser> {
    const resource = decodeId('user', id)
    const user = resource && (await this.administration.user(resource))
    if (user === undefined) throw notFound('user')
    return user
  }

  /** The session with an ID of the API. Throws a {@link notFound} error if there is none. */
  async session(id: string): Promise<SessionItem> {
    const resource = decodeId('session', id)
    const found = resource && (await this.administration.session(resource))
    const [item] = found === undefined ? [] : await this.describe([found])
    if (item === undefined) throw notFound('session')
    return item
  }

  /** A page of sessions. */
  async sessions(before: ListPosition | undefined, limit: number): Promise<AdminPage<SessionItem>> {
    const { items, hasMore } = await this.administration.sessions({ before, limit })
    return { items: await this.describe(items), hasMore }
  }

  /** Adds device, location and user. */
  async describe(sessions: readonly GateSession[]): Promise<readonly SessionItem[]> {
    const users = await this.administration.usersByKey(
      sessions.map(({ session }) => session.userId),
    )
    return Promise.all(
      sessions.map(async (found) => {
        const { userId, browserSession } = found.session
        return {
          found,
          userAgent: this.#userAgents.view(browserSession.userAgent),
          location: await this.#locator.find(browserSession.ipAddress),
          user: users.get(userId),
        }
      }),
    )
  }
}
