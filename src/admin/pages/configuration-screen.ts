import { html, type Html, type HtmlValue } from '../../pages/html.js'
import type { StoredVersion } from '../../middleware/admin-access.js'
import type { NamedGate } from '../options.js'
import { exactTime, time } from './format.js'
import type { PageData } from './page-data.js'
import { pagination } from './pagination.js'
import { badge, empty, facts, table } from './parts.js'
import { notFound, type PageRequest, type Screen } from './screen.js'
import {
  changesBetween,
  defaultTextOf,
  flatten,
  type SettingChange,
  settingsOf,
} from './settings.js'

const PAGE_SIZE = 20

/** `GET /configuration` */
export async function configurationScreen(data: PageData, request: PageRequest): Promise<Screen> {
  const { visit, query, now } = request
  const { gates } = data.administration
  const gate = gateOf(gates, query.get('gate'))
  const url = `${visit.basePath}/configuration`
  const current = await gate.access.configuration.current()
  return {
    title: 'Configuration',
    section: 'configuration',
    body: html`${gates.length > 1 && gateMenu(gates, gate, url)}
<section class="card">${summary(gate, current, now)}</section>
<section><h2>Options in effect</h2>${optionsTable(gate)}</section>
<section><h2>History</h2>${await historyOf(gate, current, request, url)}</section>`,
  }
}

function gateOf(gates: readonly [NamedGate, ...NamedGate[]], name: string | null): NamedGate {
  if (name === null) return gates[0]
  const gate = gates.find((one) => nameOf(one) === name)
  if (gate === undefined) throw notFound('gate')
  return gate
}

function nameOf({ edge, route }: NamedGate): string {
  return `${edge}/${route}`
}

function gateMenu(gates: readonly NamedGate[], chosen: NamedGate, url: string): Html {
  const links = gates.map((gate) => {
    const name = nameOf(gate)
    return html`<li><a href="${url}?gate=${encodeURIComponent(name)}"${gate === chosen && html` aria-current="true"`}>${name}</a></li>`
  })
  return html`<nav aria-label="Gates"><ul class="choices">${links}</ul></nav>`
}

function summary(gate: NamedGate, current: StoredVersion, now: number): Html {
  const { configVersion, isEnabled, isVolatile } = gate.access.configuration
  const isChanged = current.version > 0 && current.change !== undefined
  return facts([
    ['Gate', html`<code>${nameOf(gate)}</code>`],
    ['State', isEnabled ? badge('Enabled', 'good') : badge('Disabled', 'bad')],
    ['In effect', isChanged ? `Version ${current.version}` : 'As in the code'],
    ...(current.version > 0
      ? ([
          ['Changed', html`${time(current.changedAt, now)} by <bdi>${current.changedBy}</bdi>`],
        ] as const)
      : []),
    [
      'Changes',
      configVersion === undefined
        ? 'Only in the code: the option configVersion is not set'
        : isVolatile
          ? 'By the API; they end with the process'
          : `By the API; kept in the store for configVersion ${configVersion}`,
    ],
  ])
}

/** The options in effect; for those that a change replaced also the value of the code. */
function optionsTable({ access }: NamedGate): Html {
  const { options, codeOptions } = access.configuration
  const settings = settingsOf(options)
  const changes = new Map(
    changesBetween(settingsOf(codeOptions), settings).map((change) => [change.path, change]),
  )
  const texts = new Map(settings.map(({ path, text }) => [path, text]))
  const paths = [...new Set([...texts.keys(), ...changes.keys()])].sort(byProviderFirst)
  const rows = paths.map((path): HtmlValue[] => {
    const change = changes.get(path)
    const isChanged = change !== undefined && !isDefault(change)
    return [path, isChanged ? changeOf(change) : html`<bdi>${texts.get(path)}</bdi>`]
  })
  const isChanged = [...changes.values()].some((change) => !isDefault(change))
  const note =
    isChanged &&
    html`<p class="quiet lead-in">A stored change has replaced values of the code: what it removed is struck through, and what it set is highlighted.</p>`
  return html`${note}${settingsTable('Options in effect', rows)}`
}

function byProviderFirst(one: string, other: string): number {
  const isProvider = (path: string) => path.startsWith('provider')
  if (isProvider(one) !== isProvider(other)) return isProvider(one) ? -1 : 1
  return one < other ? -1 : 1
}

/** Whether a change sets an option that the code leaves out to its default. */
function isDefault({ path, before, after }: SettingChange): boolean {
  return before === undefined && after === defaultTextOf(path)
}

function settingsTable(label: string, rows: readonly HtmlValue[][]): Html {
  return html`<div class="settings">${table(label, [{ label: 'Option' }, { label: 'Value' }], rows)}</div>`
}

/** The value before and after. A secret shows only that it was changed. */
function changeOf({ before, after }: SettingChange): Html {
  if (before === after) return html`<bdi>${after}</bdi> ${badge('Changed', 'plain')}`
  return html`${before !== undefined && html`<del><span class="hidden">Before: </span><bdi>${before}</bdi></del> `}${
    after !== undefined && html`<ins><span class="hidden">Now: </span><bdi>${after}</bdi></ins>`
  }`
}

async function historyOf(
  gate: NamedGate,
  current: StoredVersion,
  { query, now }: PageRequest,
  url: string,
): Promise<HtmlValue> {
  const before = versionOf(query.get('before'))
  const past: StoredVersion[] = []
  for await (const version of gate.access.configuration.history(PAGE_SIZE + 1, before)) {
    past.push(version)
    if (past.length > PAGE_SIZE) break
  }
  const shown = past.slice(0, PAGE_SIZE)
  const listed = [...(before === undefined && current.version > 0 ? [current] : []), ...shown]
  if (listed.length === 0)
    return empty('No changes', 'The configuration has always been that of the code.')
  const base = `${url}?gate=${encodeURIComponent(nameOf(gate))}`
  const rows = listed.map((one): HtmlValue[] => [
    html`Version ${one.version}${one.version === current.version && html` ${badge('Current', 'good')}`}`,
    time(one.changedAt, now),
    html`<bdi>${one.changedBy}</bdi>`,
    html`<a class="button small" href="${url}/changes?gate=${encodeURIComponent(nameOf(gate))}&amp;version=${one.version}">Differences<span class="hidden"> of version ${one.version}</span></a>`,
  ])
  const columns = [
    { label: 'Version' },
    { label: 'Changed' },
    { label: 'By' },
    { label: 'Actions', isEnd: true },
  ]
  const last = past.length > PAGE_SIZE ? shown.at(-1) : undefined
  return html`${table('History', columns, rows)}${pagination({ url: base, query, next: last && String(last.version) })}`
}

/** `GET /configuration/changes` */
export async function changesScreen(data: PageData, { query }: PageRequest): Promise<Screen> {
  const gate = gateOf(data.administration.gates, query.get('gate'))
  const { configuration } = gate.access
  const wanted = versionOf(query.get('version'))
  const current = await configuration.current()
  const past = configuration.history(2, (wanted ?? 0) + 1)
  const versions = current.version === wanted ? [current] : []
  for await (const version of past) {
    versions.push(version)
    if (versions.length === 2) break
  }
  const [version, previous] = versions
  if (version === undefined || version.version !== wanted) throw notFound('version')
  const changes = changesBetween(
    flatten('', previous?.change ?? {}),
    flatten('', version.change ?? {}),
  )
  const rows = changes.map((change): HtmlValue[] => [change.path, changeOf(change)])
  return {
    title: `Version ${version.version}`,
    section: 'configuration',
    breadcrumbs: [{ label: 'Configuration', path: '/configuration' }],
    body: html`<section class="card">${facts([
      ['Gate', html`<code>${nameOf(gate)}</code>`],
      ['Changed', exactTime(version.changedAt)],
      ['By', html`<bdi>${version.changedBy}</bdi>`],
      ['For configVersion', String(version.configVersion)],
    ])}</section>
<section><h2>Differences from ${
      previous === undefined ? 'the code' : `version ${previous.version}`
    }</h2>${
      rows.length === 0
        ? empty('No differences', 'This version has the same options as the one before.')
        : settingsTable('Differences', rows)
    }</section>`,
  }
}

function versionOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
