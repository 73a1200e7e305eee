import { html, type HtmlValue } from '../../pages/html.js'

/** Where a list is, for {@link pagination}. */
export interface ListPlace {
  /** The URL of the first page. */
  readonly url: string
  /** The query of the request. */
  readonly query: URLSearchParams
  /** The value of `before` for the next page; `undefined` on the last one. */
  readonly next: string | undefined
}

/** Stands for the first page, which has no `before`. */
const FIRST = 'first'
const SEPARATOR = '~'
/** Cursors of the pages before this one, which links can return to. */
const MAX_CURSORS = 20
const MAX_LENGTH = 1500
const CURSOR = /^[\w.:-]{1,400}$/

/**
 * Links to the first, the previous and the next page of a list. Stores list records from the newest
 * on only, so the links contain the cursors of the pages that led here.
 */
export function pagination({ url, query, next }: ListPlace): HtmlValue {
  const before = query.get('before')
  if (before === null && next === undefined) return undefined
  const trail = trailOf(query.get('newer'))
  const newer = before === null ? undefined : trail.at(-1)
  const older = [...trail, before ?? FIRST]
  return html`<nav class="pagination" aria-label="Pages of this list">${
    before !== null && html`<a class="button" href="${url}" rel="first">Newest</a>`
  }${newer !== undefined && html`<a class="button" href="${linkTo(url, newer, trail.slice(0, -1))}" rel="prev">Newer</a>`}${
    next !== undefined &&
    html`<a class="button" href="${linkTo(url, next, older)}" rel="next">Older</a>`
  }</nav>`
}

function linkTo(url: string, before: string, trail: readonly string[]): string {
  if (before === FIRST) return url
  const newer = bounded(trail).join(SEPARATOR)
  const query = new URLSearchParams({ before, ...(newer !== '' && { newer }) })
  return `${url}${url.includes('?') ? '&' : '?'}${query.toString()}`
}

/** The latest cursors. Further back, only the first page can be reached. */
function bounded(trail: readonly string[]): readonly string[] {
  let latest = trail.filter((cursor) => CURSOR.test(cursor)).slice(-MAX_CURSORS)
  while (latest.join(SEPARATOR).length > MAX_LENGTH) latest = latest.slice(1)
  return latest
}

function trailOf(text: string | null): readonly string[] {
  if (text === null || text.length > MAX_LENGTH) return []
  const cursors = text.split(SEPARATOR)
  return cursors.length <= MAX_CURSORS && cursors.every((one) => CURSOR.test(one)) ? cursors : []
}
