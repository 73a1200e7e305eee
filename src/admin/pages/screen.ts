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

  constructor(status: number, title: string, message: string, headers: Headers = {}) {
    super(message)
    this.title = title
    this.status = status
    this.headers = headers
  }
}

/** The error for a user or a session that does not exist. */
export function notFound(what: 'user' | 'session' | 'version' | 'gate'): PageError {
  const message =
    what === 'session'
      ? 'The session has ended, or never existed.'
      : `There is no ${what} with this name. It may have been deleted.`
  return new PageError(404, `No such ${what}`, message)
}
