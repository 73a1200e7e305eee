import type { ListPosition } from '../middleware/admin-access.js'
import { AdminError } from './errors.js'
import { decodeId, positionOf, type ResourceKind } from './ids.js'

/** Which page of a list to return. */
export interface PageQuery {
  readonly limit: number
  readonly before: ListPosition | undefined
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 100

/** Reads `limit` and `before_id`, which ngrok's TypeScript client calls `beforeId`. */
export function readPageQuery(query: string, kind: ResourceKind): PageQuery {
  const params = new URLSearchParams(query)
  return { limit: readLimit(params), before: readBefore(params, kind) }
}

function readLimit(params: URLSearchParams): number {
  const limit = single(params, ['limit'], () => new AdminError('invalid_limit', { field: 'limit' }))
  if (limit === undefined) return DEFAULT_LIMIT
  const value = /^\d{1,3}$/.test(limit) ? Number(limit) : 0
  if (value < 1 || value > MAX_LIMIT) throw new AdminError('invalid_limit', { field: 'limit' })
  return value
}

function readBefore(params: URLSearchParams, kind: ResourceKind): ListPosition | undefined {
  const invalid = () => new AdminError('invalid_before_id', { field: 'before_id' })
  const before = single(params, ['before_id', 'beforeId'], invalid)
  if (before === undefined || before === '') return undefined
  const id = decodeId(kind, before)
  if (id === undefined) throw invalid()
  return positionOf(kind, id)
}

/** Reads `month`: `undefined` for the current one. */
export function readMonth(query: string): string | undefined {
  const invalid = () => new AdminError('invalid_month', { field: 'month' })
  const month = single(new URLSearchParams(query), ['month'], invalid)
  if (month !== undefined && !/^\d{4}-(?:0[1-9]|1[0-2])$/.test(month)) throw invalid()
  return month
}

function single(
  params: URLSearchParams,
  names: readonly string[],
  invalid: () => AdminError,
): string | undefined {
  const values = new Set(names.flatMap((name) => params.getAll(name)))
  if (values.size > 1) throw invalid()
  const [value] = values
  return value
}
