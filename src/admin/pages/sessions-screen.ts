import { html, type Html } from '../../pages/html.js'
import { decodeId, encodeId, positionOf } from '../ids.js'
import type { PageData } from './page-data.js'
import { pagination } from './pagination.js'
import { empty, searchForm } from './parts.js'
import type { PageRequest, Screen } from './screen.js'
import { type SessionItem, sessionTable } from './session-table.js'
import { findUsers, MAX_QUERY } from './user-search.js'

const PAGE_SIZE = 25
const MAX_FOUND = 100

/** `GET /sessions` */
export async function sessionsScreen(data: PageData, request: PageRequest): Promise<Screen> {
  const { visit, query } = request
  const url = `${visit.basePath}/sessions`
  const text = (query.get('q') ?? '').trim().slice(0, MAX_QUERY)
  const tools = searchForm(
    url,
    text,
    'Find the sessions of a user',
    'ID, or email address of the user',
  )
  const screen = { title: 'Sessions', section: 'sessions', tools } as const
  if (text !== '') return { ...screen, body: await found(data, text, url, request) }
  const resource = decodeId('session', query.get('before') ?? '')
  const before = resource && positionOf('session', resource)
  const { items, hasMore } = await data.sessions(before, PAGE_SIZE)
  const last = hasMore ? items.at(-1) : undefined
  const next = last && encodeId('session', last.found.session)
  const list =
    items.length === 0
      ? empty(
          'No sessions',
          before === undefined
            ? 'No one is signed in.'
            : html`<a href="${url}">Go to the newest sessions</a>`,
        )
      : tableOf(items, data, request)
  return { ...screen, body: html`${list}${pagination({ url, query, next })}` }
}

async function found(
  data: PageData,
  query: string,
  url: string,
  request: PageRequest,
): Promise<Html> {
  const items = await findSessions(data, query)
  if (items.length > 0) return tableOf(items, data, request)
  const hint = html`No session has this ID, and no user with exactly this ID or email address is signed in: <bdi>${query}</bdi><br><a href="${url}">Show all sessions</a>`
  return empty('No session found', hint)
}

/** The session with this ID or handle, or the sessions of the user with this ID or email address. */
async function findSessions(data: PageData, query: string): Promise<readonly SessionItem[]> {
  const { administration } = data
  const resource = decodeId('session', query)
  const session =
    resource === undefined
      ? await administration.sessionByHandle(query)
      : await administration.session(resource)
  if (session !== undefined) return data.describe([session])
  const { users } = await findUsers(administration, query, undefined)
  const all = []
  for (const { id } of users) all.push(...(await administration.sessionsOf(id)))
  return data.describe(all.slice(0, MAX_FOUND))
}

function tableOf(items: readonly SessionItem[], data: PageData, { visit, now }: PageRequest): Html {
  return sessionTable(items, {
    label: 'Sessions',
    basePath: visit.basePath,
    now,
    ownHandle: visit.sessionHandle,
    hasSeveralGates: data.hasSeveralGates,
    showsUsers: true,
  })
}
