import type { Headers } from '../../http/response.js'
import type { PageVisit } from '../../middleware/admin-access.js'
import type { Html } from '../../pages/html.js'

/** The entries of the navigation. */
export type Section = 'overview' | 'users' | 'sessions' | 'usage' | 'configuration' | 'audit'

/** A link above the heading. */
export interface Breadcrumb {
  readonly label: string
  /** Below the path of the pages, as in `/users`. */
  readonly path: string
}

/** What a page consists of. */
export interface Screen {
  readonly title: string
  readonly section: Section | undefined
  readonly breadcrumbs?: readonly Breadcrumb[]
  /** In front of the heading. */
  readonly lead?: Html
  /** Next to the heading, such as a search form. */
  readonly tools?: Html | undefined
  readonly body: Html
  /** Default 200. */
  readonly status?: number
  readonly headers?: Headers
}

/** A redirect to a page, below the path of the pages. */
export interface Redirect {
  readonly redirectTo: string
}

/** A request to a page. */
export interface PageRequest {
  readonly visit: PageVisit
  /** The ID in the path; an empty string if the path has none. */
  readonly id: string
  readonly query: URLSearchParams
  /** Milliseconds. */
  readonly now: number
}

/** A request that a page cannot respond to as asked. */
export class PageError extends Error {
  readonly title: string
  readonly status: number
  readonly headers: Headers
  /** Where to go instead. */
  link: Breadcrumb | undefined

  constructor(status: number, title: string, message: string, headers: Headers = {}) {
    super(message)
    this.title = title
    this.status = status
    this.headers = headers
  }
}

const CONFIGURATION = { label: 'Show the configuration', path: '/configuration' }

const MISSING = {
  user: {
    message: 'The user was deleted, or has never signed in.',
    link: { label: 'Show all users', path: '/users' },
  },
  session: {
    message: 'The session has ended, or never existed.',
    link: { label: 'Show all sessions', path: '/sessions' },
  },
  version: { message: 'It never existed, or is no longer kept.', link: CONFIGURATION },
  gate: { message: 'The app has no gate with this name.', link: CONFIGURATION },
} as const

/** The error for a user or a session that does not exist. */
export function notFound(what: keyof typeof MISSING): PageError {
  const { message, link } = MISSING[what]
  const error = new PageError(404, `No such ${what}`, message)
  error.link = link
  return error
}
