import { html, type Html, type HtmlValue } from '../../pages/html.js'
import type { AdminAction, AdminActionEvent, AppUser } from '../../middleware/admin-access.js'
import { decodeId, encodeId } from '../ids.js'
import { BLOCKED_QUERY, stranger } from './blocked-screen.js'
import { count } from './format.js'
import type { PageData } from './page-data.js'
import { avatar, facts, nameOf, person } from './parts.js'
import { type Breadcrumb, notFound, PageError, type PageRequest, type Section } from './screen.js'
import { addressOf, deviceName } from './session-table.js'
import { exactTime } from './format.js'

/** What a page asks before it changes something, and how it does that. */
export interface Confirmation {
  readonly title: string
  readonly section: Section
  readonly breadcrumbs: readonly Breadcrumb[]
  /** What it concerns. */
  readonly subject: Html
  /** What follows from it. */
  readonly effect: HtmlValue
  readonly button: string
  readonly isDangerous: boolean
  /** Where to go afterwards, and instead, below the path of the pages. */
  readonly returnTo: string
  /** Makes the change. Returns how the audit log names it, and what it concerned. */
  run(): Promise<ActionResult>
}

/** A change that was made. */
export interface ActionResult {
  readonly action: PageAction
  /** For the audit log. */
  readonly resource: AdminActionEvent['resource']
}

/** Every action of the pages, by its name in the audit log, and the message of the page after it. */
export const DONE = {
  block_user: 'The user is blocked, and all sessions have ended.',
  unblock_user: 'The user can sign in again.',
  end_sessions: 'All sessions of the user have ended.',
  end_session: 'The session has ended.',
} as const satisfies Partial<Record<AdminAction, string>>

/** The name of an action of the pages. */
export type PageAction = keyof typeof DONE

/** Describes an action, and finds what it concerns. */
export type Action = (data: PageData, request: PageRequest) => Promise<Confirmation>

/** `/users/{id}/block` */
export async function blockAction(
  data: PageData,
  { visit, id }: PageRequest,
): Promise<Confirmation> {
  const user = await data.user(id)
  if (user.id === visit.user.key)
    throw new PageError(
      409,
      'You cannot block yourself',
      'You would lose access to these pages. Another administrator can block you.',
    )
  return {
    ...ofUser(user, id),
    title: 'Block this user?',
    effect:
      'All sessions of the user end at once, on every device. The user cannot sign in again until an administrator unblocks the account.',
    button: 'Block',
    isDangerous: true,
    async run() {
      await data.administration.blockUser(user.id)
      return { action: 'block_user', resource: { user: user.id } }
    },
  }
}

/** `/users/{id}/unblock` */
export async function unblockAction(data: PageData, { id }: PageRequest): Promise<Confirmation> {
  const user = await data.user(id)
  return {
    ...ofUser(user, id),
    ...UNBLOCK,
    async run() {
      await data.administration.unblockUser(user.id)
      return { action: 'unblock_user', resource: { user: user.id } }
    },
  }
}

/** `/blocked/{id}/unblock`, for a user who was deleted, or has never signed in. */
export async function unblockStrangerAction(
  data: PageData,
  { id }: PageRequest,
): Promise<Confirmation> {
  const key = decodeId('user', id)?.id
  const isBlocked = key !== undefined && (await data.administration.blockedAmong([key])).has(key)
  if (!isBlocked) throw notFound('user')
  return {
    section: 'users',
    breadcrumbs: [
      { label: 'Users', path: '/users' },
      { label: 'Blocked', path: `/users?${BLOCKED_QUERY}` },
    ],
    subject: stranger(key),
    returnTo: `/users?${BLOCKED_QUERY}`,
    ...UNBLOCK,
    async run() {
      await data.administration.unblockUser(key)
      return { action: 'unblock_user', resource: { user: key } }
    },
  }
}

const UNBLOCK = {
  title: 'Unblock this user?',
  effect: 'The user can sign in again, if the rules of the app allow it.',
  button: 'Unblock',
  isDangerous: false,
} as const

/** `/users/{id}/end-sessions` */
export async function endSessionsAction(
  data: PageData,
  { id, visit }: PageRequest,
): Promise<Confirmation> {
  const user = await data.user(id)
  const { length } = await data.administration.sessionsOf(user.id)
  const isOwn = user.id === visit.user.key
  return {
    ...ofUser(user, id),
    title: 'End all sessions of this user?',
    effect: `${count(length, 'session')} will end at once. The user can sign in again.${isOwn ? ' One of them is yours: you will be signed out here, too.' : ''}`,
    button: 'End all sessions',
    isDangerous: true,
    async run() {
      await data.administration.endSessionsOf(user.id)
      return { action: 'end_sessions', resource: { user: user.id } }
    },
  }
}

/** `/sessions/{id}/end` */
export async function endSessionAction(
  data: PageData,
  { id, visit }: PageRequest,
): Promise<Confirmation> {
  const item = await data.session(id)
  const { session, gate } = item.found
  const { user } = item
  const isOwn = session.id === visit.sessionHandle
  return {
    title: 'End this session?',
    section: 'sessions',
    breadcrumbs: [{ label: 'Sessions', path: '/sessions' }],
    subject: facts([
      ['User', user === undefined ? html`<bdi>${session.userId}</bdi>` : person(user, undefined)],
      ['Device', deviceName(item.userAgent)],
      ['Address', addressOf(item)],
      ['Signed in', exactTime(session.createdAt)],
      ['Last active', exactTime(session.lastActive)],
      ['Expires', exactTime(session.expiresAt)],
      ['Gate', gate === undefined ? '–' : `${gate.edge}/${gate.route}`],
      ['Session ID', html`<code>${session.id}</code>`],
    ]),
    effect: isOwn
      ? 'This is the session that you use now: you will be signed out.'
      : 'The user is signed out on this device at the next request, and its sockets close. The user can sign in again.',
    button: 'End the session',
    isDangerous: true,
    returnTo: user === undefined ? '/sessions' : `/users/${encodeId('user', user)}`,
    async run() {
      await data.administration.deleteSession(item.found)
      return {
        action: 'end_session',
        resource: { user: session.userId, sessionHandle: session.id },
      }
    },
  }
}

function ofUser(
  user: AppUser,
  id: string,
): Pick<Confirmation, 'section' | 'breadcrumbs' | 'subject' | 'returnTo'> {
  const path = `/users/${id}`
  const name = nameOf(user)
  return {
    section: 'users',
    breadcrumbs: [
      { label: 'Users', path: '/users' },
      { label: name, path },
    ],
    subject: html`<span class="person">${avatar(user.id, name)}<span class="names"><span class="name"><bdi>${name}</bdi></span><span class="quiet"><bdi>${user.id}</bdi></span></span></span>`,
    returnTo: path,
  }
}
