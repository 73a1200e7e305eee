import { html, type Html, type HtmlValue } from '../../pages/html.js'
import { encodeId } from '../ids.js'
import { time } from './format.js'
import type { BlockedItem, PageData } from './page-data.js'
import { avatar, empty, person, table } from './parts.js'
import { pagination } from './pagination.js'
import type { PageRequest } from './screen.js'

const PAGE_SIZE = 25

const COLUMNS = [
  { label: 'User' },
  { label: 'Blocked' },
  { label: 'Last active' },
  { label: 'Actions', isEnd: true },
]

/** The query of the page that shows only users who are blocked. */
export const BLOCKED_QUERY = 'show=blocked'

/** The users who are blocked, the latest first, with or without a record. */
export async function blockedList(data: PageData, request: PageRequest): Promise<Html> {
  const { visit, query, now } = request
  const url = `${visit.basePath}/users?${BLOCKED_QUERY}`
  const before = query.get('before')
  const { items, next } = await data.blocked(before, PAGE_SIZE)
  const list =
    items.length === 0
      ? empty(
          before === null ? 'No one is blocked' : 'No more blocked users',
          before === null
            ? 'Block a user on the page of that user: all sessions end, and logins are rejected.'
            : html`<a href="${url}">Go to those who were blocked last</a>`,
        )
      : table(
          'Blocked users',
          COLUMNS,
          items.map((item) => cells(item, visit.basePath, now)),
        )
  return html`${list}${pagination({ url, query, next })}`
}

function cells(item: BlockedItem, basePath: string, now: number): HtmlValue[] {
  const { id, createdAt, user } = item
  const url = user && `${basePath}/users/${encodeId('user', user)}`
  const unblockUrl = `${url ?? `${basePath}/blocked/${encodeId('user', { id, createdAt })}`}/unblock`
  return [
    user === undefined ? stranger(id) : person(user, url),
    time(createdAt, now),
    time(user?.lastActive, now),
    html`<a class="button small" href="${unblockUrl}">Unblock<span class="hidden">: ${user?.name ?? id}</span></a>`,
  ]
}

/** A user without a record: one who was deleted, or has never signed in. */
export function stranger(id: string): Html {
  return html`<span class="person">${avatar(id, '')}<span class="names"><span class="name"><bdi>${id}</bdi></span><span class="quiet">Deleted, or has never signed in</span></span></span>`
}
