import type { AppUser } from '../../middleware/admin-access.js'
import { html, type Html, type HtmlValue } from '../../pages/html.js'
import { encodeId } from '../ids.js'
import { BLOCKED_QUERY, blockedList } from './blocked-screen.js'
import { exactTime, number, time } from './format.js'
import type { PageData } from './page-data.js'
import {
  avatar,
  badge,
  type Column,
  empty,
  facts,
  nameOf,
  person,
  searchForm,
  table,
  text,
} from './parts.js'
import { pagination } from './pagination.js'
import type { PageRequest, Screen } from './screen.js'
import { sessionTable } from './session-table.js'
import { findUsers, MAX_QUERY, positionAfter } from './user-search.js'

const PAGE_SIZE = 25
/** A user has at most `sessionsPerUser` sessions; more are not shown. */
const MAX_SESSIONS = 100

const COLUMNS: readonly Column[] = [
  { label: 'User' },
  { label: 'Provider' },
  { label: 'Status' },
  { label: 'Last active' },
  { label: 'First sign-in', from: 'medium' },
]

/** `GET /users` */
export async function usersScreen(data: PageData, request: PageRequest): Promise<Screen> {
  const { visit, query, now } = request
  const { basePath } = visit
  const text = (query.get('q') ?? '').trim().slice(0, MAX_QUERY)
  const url = `${basePath}/users`
  const tools = searchForm(url, text, 'Find a user by ID or email address', 'Email address or ID')
  const screen = { title: 'Users', section: 'users', tools } as const
  const before = positionAfter(query.get('before'))
  if (query.get('show') === 'blocked')
    return { ...screen, body: html`${choices(url, true)}${await blockedList(data, request)}` }
  if (text !== '') return { ...screen, body: await found(data, text, { before, url, now }) }
  const { items, hasMore, blocked } = await data.users(before, PAGE_SIZE)
  const last = hasMore ? items.at(-1) : undefined
  const next = last && encodeId('user', last)
  const list =
    items.length === 0
      ? empty(
          before === undefined ? 'No users yet' : 'No more users',
          before === undefined
            ? 'Users appear here when they sign in for the first time.'
            : html`<a href="${url}">Go to the newest users</a>`,
        )
      : userTable(items, blocked, basePath, now)
  return { ...screen, body: html`${choices(url, false)}${list}${pagination({ url, query, next })}` }
}

/** All users, or only those who are blocked. */
function choices(url: string, isBlocked: boolean): Html {
  const current = html` aria-current="page"`
  return html`<nav aria-label="Which users"><ul class="choices">
<li><a href="${url}"${!isBlocked && current}>All</a></li>
<li><a href="${url}?${BLOCKED_QUERY}"${isBlocked && current}>Blocked</a></li>
</ul></nav>`
}

interface Search {
  readonly before: ReturnType<typeof positionAfter>
  readonly url: string
  readonly now: number
}

async function found(data: PageData, query: string, { before, url, now }: Search): Promise<Html> {
  const { users, last, compared } = await findUsers(data.administration, query, before)
  const blocked = await data.blockedAmong(users)
  const more = last && `${url}?q=${encodeURIComponent(query)}&before=${encodeId('user', last)}`
  const rest =
    more &&
    html`<p class="quiet more">Compared ${number(compared)} users. <a href="${more}">Search the older ones</a></p>`
  if (users.length > 0)
    return html`${userTable(users, blocked, url.slice(0, -'/users'.length), now)}${rest}`
  const hint = html`No user has exactly this ID, email address, or user name: <bdi>${query}</bdi><br><a href="${url}">Show all users</a>`
  return html`${empty('No user found', hint)}${rest}`
}

function userTable(
  users: readonly AppUser[],
  blocked: ReadonlySet<string>,
  basePath: string,
  now: number,
): Html {
  const rows = users.map((user): HtmlValue[] => [
    person(user, `${basePath}/users/${encodeId('user', user)}`),
    html`<bdi>${user.identityProvider.name}</bdi>`,
    statusOf(blocked.has(user.id)),
    time(user.lastActive, now),
    time(user.createdAt, now),
  ])
  return table('Users', COLUMNS, rows)
}

function statusOf(isBlocked: boolean): Html {
  return isBlocked ? badge('Blocked', 'bad') : html`<span class="quiet">Not blocked</span>`
}

/** `GET /users/{id}` */
export async function userScreen(data: PageData, request: PageRequest): Promise<Screen> {
  const { visit, id } = request
  const user = await data.user(id)
  const blocked = (await data.blockedAmong([user])).has(user.id)
  const sessions = await sessionsOf(data, user, request)
  const url = `${visit.basePath}/users/${id}`
  const isOwn = user.id === visit.user.key
  const action = blocked
    ? html`<a class="button" href="${url}/unblock">Unblock</a>`
    : html`<a class="button danger" href="${url}/block">Block</a>`
  return {
    title: nameOf(user),
    section: 'users',
    breadcrumbs: [{ label: 'Users', path: '/users' }],
    lead: avatar(user.id, nameOf(user), 'large'),
    tools: html`<div class="buttons">${isOwn ? badge('You', 'plain') : action}</div>`,
    body: html`<div class="card">${userFacts(user, blocked)}</div>
<section>
<div class="sectionhead"><h2>Sessions</h2>${sessions.count > 0 && html`<a class="button small danger" href="${url}/end-sessions">End all sessions</a>`}</div>
${sessions.list}
</section>`,
  }
}

function userFacts(user: AppUser, isBlocked: boolean): Html {
  const { identityProvider: provider } = user
  return facts([
    ['Status', statusOf(isBlocked)],
    ['Email address', text(user.email)],
    ['User name', text(user.username)],
    [
      'Provider',
      html`<bdi>${provider.name}</bdi>${provider.url && html`<br><span class="quiet"><bdi>${provider.url}</bdi></span>`}`,
    ],
    ['ID', html`<code><bdi>${user.id}</bdi></code>`],
    ['First sign-in', exactTime(user.createdAt)],
    ['Last sign-in', exactTime(user.lastLogin)],
    ['Last active', exactTime(user.lastActive)],
  ])
}

async function sessionsOf(
  data: PageData,
  user: AppUser,
  { visit, now }: PageRequest,
): Promise<{ list: Html; count: number }> {
  const all = await data.administration.sessionsOf(user.id)
  if (all.length === 0)
    return { list: empty('No sessions', 'This user is not signed in on any device.'), count: 0 }
  const items = await data.describe(all.slice(0, MAX_SESSIONS))
  const list = sessionTable(items, {
    label: 'Sessions',
    basePath: visit.basePath,
    now,
    ownHandle: visit.sessionHandle,
    hasSeveralGates: data.hasSeveralGates,
    showsUsers: false,
  })
  const more = all.length - items.length
  return {
    list:
      more > 0 ? html`${list}<p class="quiet more">And ${number(more)} older sessions.</p>` : list,
    count: all.length,
  }
}
