import { html, type Html, type HtmlValue } from '../../pages/html.js'
import { usageChart } from './chart.js'
import { monthName, number } from './format.js'
import type { MonthUsage } from './monthly-usage.js'
import type { PageData } from './page-data.js'
import { empty, table } from './parts.js'
import type { PageRequest, Screen } from './screen.js'
import { sessionTable } from './session-table.js'

const LATEST = 5

/** `GET /` */
export async function overviewScreen(data: PageData, request: PageRequest): Promise<Screen> {
  const { visit, now } = request
  const usage = await data.usage.of(now)
  const counts = await data.counts()
  const { items } = await data.sessions(undefined, LATEST)
  const sessions =
    items.length === 0
      ? empty('No sessions', 'No one is signed in.')
      : sessionTable(items, {
          label: 'Latest sign-ins',
          basePath: visit.basePath,
          now,
          ownHandle: visit.sessionHandle,
          hasSeveralGates: data.hasSeveralGates,
          showsUsers: true,
        })
  return {
    title: 'Overview',
    section: 'overview',
    body: html`${tiles(usage, counts)}
<section class="card"><div class="sectionhead"><h2>Monthly active users</h2><a class="quiet" href="${visit.basePath}/usage">Show the numbers</a></div>
${usageChart(usage)}</section>
<section><div class="sectionhead"><h2>Latest sign-ins</h2><a class="quiet" href="${visit.basePath}/sessions">Show all sessions</a></div>
${sessions}</section>`,
  }
}

function tiles(
  usage: readonly MonthUsage[],
  counts: { users?: number | undefined; sessions?: number | undefined },
): Html {
  const [before, current] = [usage.at(-2), usage.at(-1)]
  const tile = (name: string, value: number | undefined, note?: HtmlValue) =>
    value !== undefined &&
    html`<div class="card tile"><dt>${name}</dt><dd>${number(value)}</dd>${note && html`<dd>${note}</dd>`}</div>`
  return html`<dl class="tiles">
${tile('Active this month', current?.users, before && `${number(before.users)} in ${monthName(before.month)}`)}
${tile('Users', counts.users, 'who have signed in')}
${tile('Sessions', counts.sessions, 'that are open')}
</dl>`
}

/** `GET /usage` */
export async function usageScreen(data: PageData, { now }: PageRequest): Promise<Screen> {
  const usage = await data.usage.of(now)
  const rows = [...usage].reverse().map(({ month, users }, index): HtmlValue[] => {
    const before = usage[usage.length - 2 - index]
    return [monthName(month), number(users), change(users, before?.users)]
  })
  return {
    title: 'Usage',
    section: 'usage',
    body: html`<section class="card"><h2>Monthly active users</h2>
<p class="quiet">Distinct users with at least one request in a month (UTC), over all gates of the store. The current month is at most a minute old.</p>
${usageChart(usage)}</section>
<section>${table('Monthly active users', [{ label: 'Month' }, { label: 'Users' }, { label: 'Change' }], rows)}</section>`,
  }
}

function change(users: number, before: number | undefined): HtmlValue {
  if (before === undefined || before === users) return html`<span class="quiet">–</span>`
  return users > before ? `+${number(users - before)}` : `−${number(before - users)}`
}
