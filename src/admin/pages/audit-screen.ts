import { html, type Html, type HtmlValue } from '../../pages/html.js'
import { type AuditEntry, auditActions } from '../audit-log.js'
import { signalActions } from '../signal-entries.js'
import { time } from './format.js'
import { readPosition, writePosition } from './list-position.js'
import type { PageData } from './page-data.js'
import { pagination } from './pagination.js'
import { type Column, empty, table, text } from './parts.js'
import type { PageRequest, Screen } from './screen.js'
import { deviceName } from './session-table.js'

const PAGE_SIZE = 50
const MAX_CHANGES = 10

const COLUMNS: readonly Column[] = [
  { label: 'Action' },
  { label: 'By' },
  { label: 'Concerns' },
  { label: 'From', from: 'medium' },
  { label: 'When' },
]

/** `GET /audit` */
export async function auditScreen(
  data: PageData,
  { visit, query, now }: PageRequest,
): Promise<Screen> {
  const screen = { title: 'Audit log', section: 'audit' } as const
  if (!data.auditLog.isKept)
    return {
      ...screen,
      body: empty(
        'The audit log is not kept',
        'Actions of administrators are lines in the log of the app. The store keeps them if it can list, and the option retention.audit is not 0.',
      ),
    }
  const url = `${visit.basePath}/audit`
  const before = readPosition(query.get('before'))
  const { items, hasMore } = await data.auditLog.page(before, PAGE_SIZE)
  const last = hasMore ? items.at(-1) : undefined
  const list =
    items.length === 0
      ? empty(
          'No entries',
          'Actions of administrators appear here, on these pages and by the API, and what signals of other systems have done.',
        )
      : html`<div class="log">${table(
          'Audit log',
          COLUMNS,
          items.map((entry) => cells(data, entry, visit.basePath, now)),
        )}</div>`
  const next = last && writePosition(last.position)
  return { ...screen, body: html`${list}${pagination({ url, query, next })}` }
}

function cells(data: PageData, entry: AuditEntry, basePath: string, now: number): HtmlValue[] {
  const { actor, action, at, origin } = entry
  const [first = '', ...rest] = { ...auditActions, ...signalActions }[action]
  return [
    html`<span class="name">${first.toUpperCase() + rest.join('')}</span>`,
    by(actor),
    concerns(entry, basePath),
    from(data, origin),
    time(at, now),
  ]
}

function by(actor: AuditEntry['actor']): Html {
  if ('admin' in actor) return html`<bdi>${actor.admin}</bdi>`
  const [name, kind] = 'signal' in actor ? [actor.signal, 'Signal'] : [actor.tokenName, 'Token']
  return html`<span class="names"><span><bdi>${name}</bdi></span><span class="quiet">${kind}</span></span>`
}

/** How the page names what an action concerned. */
const LABELS: Readonly<Record<string, string>> = {
  user: 'User',
  sessionHandle: 'Session',
  module: 'Gate',
  version: 'Version',
  connection: 'Connection',
  providers: 'Providers',
  outcome: 'Outcome',
  type: 'Type',
  sessions: 'Sessions',
}

function concerns({ resource, changes = [] }: AuditEntry, basePath: string): Html {
  const resources = Object.entries(resource).map(
    ([name, value]) =>
      html`<span><span class="quiet">${LABELS[name] ?? name}</span> ${linked(name, value, resource, basePath)}</span>`,
  )
  const fields = changes.slice(0, MAX_CHANGES).map(({ field }) => field)
  const more = changes.length > fields.length ? ', …' : ''
  return html`<span class="names all">${resources}${
    fields.length > 0 &&
    html`<span class="quiet">Changed: <bdi>${fields.join(', ')}${more}</bdi></span>`
  }</span>`
}

/** What the pages can show has a link. A session that has ended is only named. */
function linked(
  name: string,
  value: string,
  { module }: AuditEntry['resource'],
  basePath: string,
): Html {
  const link = (path: string, query: Record<string, string>) =>
    html`<a href="${basePath}${path}?${new URLSearchParams(query).toString()}"><bdi>${value}</bdi></a>`
  if (name === 'user') return link('/users', { q: value })
  if (name === 'version' && module !== undefined)
    return link('/configuration/changes', { gate: module, version: value })
  return name === 'sessionHandle'
    ? html`<code title="${value}">${value.slice(0, 12)}…</code>`
    : html`<bdi>${value}</bdi>`
}

/** Where the administrator was. Entries of earlier releases do not contain it. */
function from(data: PageData, origin: AuditEntry['origin']): Html {
  const { ipAddress, userAgent } = origin ?? {}
  if (ipAddress === undefined && userAgent === undefined) return text(undefined)
  const device = userAgent !== undefined && deviceName(data.userAgent(userAgent))
  return html`<span class="names address">${
    ipAddress !== undefined && html`<span><bdi>${ipAddress}</bdi></span>`
  }${device && html`<span class="quiet">${device}</span>`}</span>`
}
