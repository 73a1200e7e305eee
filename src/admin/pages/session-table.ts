import { shownAddress } from '../../http/client-address.js'
import { html, type Html, type HtmlValue } from '../../pages/html.js'
import type { AddressLocation } from '../options.js'
import type { UserAgentView } from '../../http/user-agent.js'
import type { AppUser } from '../../middleware/admin-access.js'
import type { GateSession } from '../administration.js'
import { encodeId } from '../ids.js'
import { time } from './format.js'
import { deviceIcon } from './icons.js'
import { badge, type Column, person, table, text } from './parts.js'

/** A session with what its table shows. */
export interface SessionItem {
  readonly found: GateSession
  readonly userAgent: UserAgentView
  readonly location: AddressLocation | undefined
  /** `undefined` if the user was deleted. */
  readonly user: AppUser | undefined
}

/** What a table of sessions depends on, besides its items. */
export interface SessionTable {
  readonly label: string
  readonly basePath: string
  readonly now: number
  /** The session of the administrator. */
  readonly ownHandle: string
  /** Whether the gate of each session is shown. */
  readonly hasSeveralGates: boolean
  /** Whether the user of each session is shown. */
  readonly showsUsers: boolean
}

const regions = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })

/** A table of sessions. */
export function sessionTable(items: readonly SessionItem[], setting: SessionTable): Html {
  const { label, hasSeveralGates, showsUsers } = setting
  const columns: Column[] = [
    ...(showsUsers ? [{ label: 'User' }] : []),
    { label: 'Device' },
    { label: 'Address' },
    ...(hasSeveralGates ? [{ label: 'Gate', from: 'wide' } as const] : []),
    { label: 'Signed in', from: showsUsers ? 'wide' : 'medium' },
    { label: 'Last active' },
    { label: 'Expires', ...(showsUsers && { from: 'wide' }) },
    { label: 'Actions', isEnd: true },
  ]
  return table(
    label,
    columns,
    items.map((item) => cells(item, setting)),
  )
}

function cells(item: SessionItem, setting: SessionTable): HtmlValue[] {
  const { basePath, now, ownHandle, hasSeveralGates, showsUsers } = setting
  const { found, user } = item
  const { session, gate } = found
  const url = `${basePath}/sessions/${encodeId('session', session)}/end`
  const name = deviceName(item.userAgent)
  return [
    ...(showsUsers ? [owner(user, session.userId, basePath)] : []),
    html`<span class="device">${deviceIcon(item.userAgent.device_type)}<span class="names"><span>${name}</span>${
      session.id === ownHandle && html`<span>${badge('This session', 'good')}</span>`
    }${session.isDeviceBound && html`<span>${badge('Bound to this device', 'plain')}</span>`}${
      session.movedAt !== undefined &&
      html`<span class="quiet">Moved ${time(session.movedAt, now)}</span>`
    }</span></span>`,
    addressOf(item),
    ...(hasSeveralGates
      ? [gate === undefined ? text(undefined) : `${gate.edge}/${gate.route}`]
      : []),
    time(session.createdAt, now),
    time(session.lastActive, now),
    time(session.expiresAt, now),
    html`<a class="button small" href="${url}">End<span class="hidden"> the session: ${name}</span></a>`,
  ]
}

function owner(user: AppUser | undefined, userId: string, basePath: string): Html {
  if (user === undefined) return html`<bdi>${userId}</bdi> <span class="quiet">(deleted)</span>`
  return person(user, `${basePath}/users/${encodeId('user', user)}`)
}

/** `Chrome 126 on macOS`, or what is known of it. */
export function deviceName(userAgent: UserAgentView): Html {
  const { browser_name: browser, browser_version: version, os_name: system, raw } = userAgent
  if (browser === null && system === null)
    return raw === ''
      ? html`<span class="quiet">Unknown device</span>`
      : html`<bdi>${raw.slice(0, 60)}</bdi>`
  const [major] = (version ?? '').split('.')
  const program = [browser ?? 'A browser', major].filter(Boolean).join(' ')
  return html`<bdi>${system === null ? program : `${program} on ${system}`}</bdi>`
}

/** The address of the login, and where that is. */
export function addressOf({ found, location }: SessionItem): Html {
  const { ipAddress } = found.session.browserSession
  const country = countryName(location?.country_code)
  return html`<span class="names address"><span>${text(shownAddress(ipAddress))}</span>${
    country && html`<span class="quiet"><bdi>${country}</bdi></span>`
  }</span>`
}

function countryName(code: string | null | undefined): string | undefined {
  if (typeof code !== 'string' || !/^[A-Z]{2}$/.test(code)) return undefined
  return regions.of(code) ?? code
}
