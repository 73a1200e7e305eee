import { html, type Html, type HtmlValue } from '../../pages/html.js'
import { type AuditEntry, auditActions } from '../audit-log.js'
import { signalActions } from '../signal-entries.js'
import { time } from './format.js'
import type { PageData } from './page-data.js'
import { type Column, empty, pagination, table, text } from './parts.js'
import type { PageRequest, Screen } from './screen.js'
import { deviceName } from './session-table.js'

const PAGE_SIZE = 50
const MAX_CHANGES = 10

const COLUMNS: readonly Column[] = [
  { label: 'Action' },
  { label: 'By' },
  { label: 'Concerns' },
  { label: 'From', isExtra: true },
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
  const before = positionOf(query.get('before'))
  const { items, hasMore } = await data.auditLog.page(before, PAGE_SIZE)
  const last = hasMore ? items.at(-1) : undefined
  const list =
    items.length === 0
      ? empty(
          'No entries',
          'Actions of administrators appear here, on these pages and by the API, and what signals of other systems have done.',
        )
      : table(
          'Audit log',
          COLUMNS,
          items.map((entry) => cells(data, entry, now)),
        )
  const next = last && `${url}?before=${last.position.createdAt}.${last.position.key}`
  return { ...screen, body: html`${list}${pagination(before && url, next)}` }
}

function cells(data: PageData, entry: AuditEntry, now: number): HtmlValue[] {
  const { actor, action, at, origin } = entry
  const [first = '', ...rest] = { ...auditActions, ...signalActions }[action]
  return [
    html`<span class="name">${first.toUpperCase() + rest.join('')}</span>`,
    by(actor),
    concerns(entry),
    from(data, origin),
    time(at, now),
  ]
}

function by(actor: AuditEntry['actor']): Html {
  if ('admin' in actor) return html`<bdi>${actor.admin}</bdi>`
  const [name, kind] = 'signal' in actor ? [actor.signal, 'signal'] : [actor.tokenName, 'token']
  return html`<bdi>${name}</bdi> <span class="quiet">(${kind})</span>`
}

function concerns({ resource, changes = [] }: AuditEntry): Html {
  const resources = Object.entries(resource).map(
    ([name, value]) => html`<span><span class="quiet">${name}</span> <bdi>${value}</bdi></span>`,
  )
  const fields = changes
    .slice(0, MAX_CHANGES)
    .map(({ field }) => html`<span class="quiet"><bdi>${field}</bdi></span>`)
  return html`<span class="names all">${resources}${fields}</span>`
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

/** Where the list continues. */
function positionOf(value: string | null) {
  const [, createdAt, key] = /^(\d{1,16})\.([A-Za-z0-9:_-]{1,100})$/.exec(value ?? '') ?? []
  return createdAt === undefined || key === undefined
    ? undefined
    : { createdAt: Number(createdAt), key }
}
