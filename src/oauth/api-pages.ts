import { isObject } from '../http/json.js'
import { asString } from './claims.js'
import type { ApiResponse } from './provider-api.js'

/** Requests large pages, unless the path has a page size already. */
export function withPageSize(path: string): string {
  if (/[?&](?:per_page|\$top)=/.test(path)) return path
  return `${path}${path.includes('?') ? '&' : '?'}per_page=100`
}

/** The entries of one page: a JSON array, or `{ value: [] }` as in OData. */
export function entriesOf(body: unknown): readonly unknown[] | undefined {
  const entries = isObject(body) ? body['value'] : body
  return Array.isArray(entries) ? (entries as unknown[]) : undefined
}

/** The targets and parameters of a `Link` header. */
const LINKS = /<([^<>]*)>([^<]*)/g

/** The target of `Link: <…>; rel="next"` (RFC 8288, 3), or of `@odata.nextLink`. */
export function nextPage({ headers, body }: ApiResponse, base: string): string | undefined {
  const link = isObject(body) ? asString(body['@odata.nextLink']) : undefined
  if (link !== undefined) return URL.canParse(link, base) ? new URL(link, base).href : undefined
  for (const [, target = '', params = ''] of (headers.get('link') ?? '').matchAll(LINKS))
    if (/^\s*;.*\brel="?next/i.test(params) && URL.canParse(target, base))
      return new URL(target, base).href
  return undefined
}
