import type { ServerResponse } from 'node:http'
import { type Headers, sendJson } from '../http/response.js'

/** What distinguishes an error beyond its code. */
export interface AdminErrorDetails {
  /** The query parameter that is not valid. */
  readonly field?: string
  readonly headers?: Headers
}

/** The errors of the API: status and message. Those of ngrok have its codes. */
const ADMIN_ERRORS = {
  // https://ngrok.com/docs/errors/err_ngrok_201
  ERR_NGROK_201: [401, 'Send a token of this API as "Authorization: Bearer <token>".'],
  // https://ngrok.com/docs/errors/err_ngrok_203
  ERR_NGROK_203: [401, 'The token is not a token of this API.'],
  read_only_token: [403, 'This token may only read.'],
  not_found: [404, 'There is no resource with this ID.'],
  method_not_allowed: [405, 'This resource does not have this method.'],
  invalid_limit: [400, 'limit must be an integer from 1 to 100.'],
  invalid_before_id: [400, 'before_id must be the ID of an item of this list.'],
  invalid_month: [400, 'month must have the form YYYY-MM.'],
  too_many_requests: [429, 'Too many requests with wrong tokens. Try again later.'],
  store_not_listable: [501, 'The session store of this app cannot list its records.'],
  store_unavailable: [503, 'The session store of this app cannot be reached. Try again later.'],
} as const satisfies Record<string, readonly [status: number, message: string]>

/** The code of an {@link AdminError}. */
export type AdminErrorCode = keyof typeof ADMIN_ERRORS

/** A request that the API rejects. */
export class AdminError extends Error {
  readonly code: AdminErrorCode
  readonly status: number
  readonly details: AdminErrorDetails

  constructor(code: AdminErrorCode, details: AdminErrorDetails = {}) {
    const [status, message] = ADMIN_ERRORS[code]
    super(message)
    this.code = code
    this.status = status
    this.details = details
  }
}

/** An error of a gate, which may be of another copy of the package. */
export interface GateError extends Error {
  readonly code: string
  readonly hint?: string | undefined
}

/** Whether a gate threw this error about its store. */
export function isStoreError(error: unknown): error is GateError {
  return (
    error instanceof Error &&
    error.name === 'OAuthError' &&
    'code' in error &&
    (error.code === 'store_not_listable' || error.code === 'store_unavailable')
  )
}

/** The error of the API for an error of the store. */
export function fromStoreError({ code }: GateError): AdminError {
  return code === 'store_not_listable'
    ? new AdminError(code)
    : new AdminError('store_unavailable', { headers: { 'Retry-After': '5' } })
}

/** Sends an error in ngrok's format. */
export function sendError(res: ServerResponse, error: AdminError): void {
  const { code, status, message, details } = error
  const { field, headers } = details
  const body = {
    error_code: code,
    status_code: status,
    msg: message,
    details: field === undefined ? {} : { field },
  }
  sendJson(res, status, body, headers)
}
