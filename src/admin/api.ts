import type { EventOrigin } from '../middleware/admin-access.js'
import type { Administration, AdminPage, GateSession } from './administration.js'
import type { AuditLog } from './audit-log.js'
import { AdminError } from './errors.js'
import { decodeId, type ResourceId, type ResourceKind } from './ids.js'
import { type PageQuery, readMonth, readPageQuery } from './query.js'
import type { Views } from './views.js'

/** A request to the API, with a valid token. */
export interface AdminRequest {
  /** The URL of the API. */
  readonly base: string
  /** Without `?`. */
  readonly query: string
  /** The parameters in the path. */
  readonly params: readonly string[]
  readonly tokenName: string
  /** For the audit log. */
  readonly origin: EventOrigin
  /** The header `If-Match`. */
  readonly ifMatch: string | undefined
  /** Reads the body: a JSON object. Rejects with an {@link AdminError}. */
  body(): Promise<Readonly<Record<string, unknown>>>
}

/** What {@link AdminApi} depends on. */
export interface AdminApiDeps {
  readonly administration: Administration
  readonly views: Views
  readonly auditLog: AuditLog
}

/** The operations of the API. Each returns the JSON of its response. */
export class AdminApi {
  readonly #administration: Administration
  readonly #views: Views
  readonly #auditLog: AuditLog

  constructor({ administration, views, auditLog }: AdminApiDeps) {
    this.#administration = administration
    this.#views = views
    this.#auditLog = auditLog
  }

  /** `GET /app/users` */
  async listUsers({ base, query }: AdminRequest): Promise<object> {
    const pageQuery = readPageQuery(query, 'user')
    const page = await this.#administration.users(pageQuery)
    const application_users = page.items.map((user) => this.#views.user(user, base))
    const links = pageLinks(`${base}/app/users`, pageQuery, application_users, page)
    return { application_users, ...links }
  }

  /** `GET /app/users/{id}` */
  async getUser({ base, params: [id] }: AdminRequest): Promise<object> {
    const user = await this.#administration.user(resourceId('user', id))
    return this.#views.user(user ?? notFound(), base)
  }

  /** `DELETE /app/users/{id}` */
  async deleteUser({ params: [id], tokenName, origin }: AdminRequest): Promise<object> {
    const user = (await this.#administration.user(resourceId('user', id))) ?? notFound()
    if (!(await this.#administration.deleteUser(user.id))) notFound()
    await this.#auditLog.record({
      actor: { tokenName },
      action: 'delete_user',
      resource: { user: user.id },
      origin,
    })
    return {}
  }

  /** `GET /app/sessions` */
  async listSessions({ base, query }: AdminRequest): Promise<object> {
    const pageQuery = readPageQuery(query, 'session')
    const page = await this.#administration.sessions(pageQuery)
    const application_sessions = await this.#describe(page.items, base)
    const links = pageLinks(`${base}/app/sessions`, pageQuery, application_sessions, page)
    return { application_sessions, ...links }
  }

  /** `GET /app/sessions/{id}` */
  async getSession({ base, params: [id] }: AdminRequest): Promise<object> {
    const found = (await this.#administration.session(resourceId('session', id))) ?? notFound()
    const [view] = await this.#describe([found], base)
    return view ?? notFound()
  }

  /** `DELETE /app/sessions/{id}` */
  async deleteSession({ params: [id], tokenName, origin }: AdminRequest): Promise<object> {
    const found = (await this.#administration.session(resourceId('session', id))) ?? notFound()
    if (!(await this.#administration.deleteSession(found))) notFound()
    const { id: sessionHandle, userId: user } = found.session
    await this.#auditLog.record({
      actor: { tokenName },
      action: 'end_session',
      resource: { user, sessionHandle },
      origin,
    })
    return {}
  }

  /** `GET /app/usage` */
  async getUsage({ query }: AdminRequest): Promise<object> {
    const month = readMonth(query) ?? new Date().toISOString().slice(0, 7)
    const monthly_active_users = await this.#administration.monthlyActiveUsers(month)
    return { month, monthly_active_users }
  }

  async #describe(sessions: readonly GateSession[], base: string) {
    const keys = sessions.map(({ session }) => session.userId)
    const users = await this.#administration.usersByKey(keys)
    return Promise.all(
      sessions.map((one) => this.#views.session(one, users.get(one.session.userId), base)),
    )
  }
}

function resourceId(kind: ResourceKind, id = ''): ResourceId {
  return decodeId(kind, id) ?? notFound()
}

function notFound(): never {
  throw new AdminError('not_found')
}

function pageLinks(
  uri: string,
  { limit }: PageQuery,
  items: readonly { readonly id: string }[],
  { hasMore }: AdminPage<unknown>,
): { uri: string; next_page_uri: string | null } {
  const last = items.at(-1)
  const next = last === undefined || !hasMore ? null : `${uri}?before_id=${last.id}&limit=${limit}`
  return { uri, next_page_uri: next }
}
