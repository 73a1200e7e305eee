import type { ServerResponse } from 'node:http'
import { type Headers, sendJson } from '../http/response.js'
import { ADMIN_ERRORS, type AdminErrorCode } from './error-codes.js'

/** What distinguishes an error beyond its code. */
export interface AdminErrorDetails {
  /** The query parameter, header, or field of the body that is not valid. */
  readonly field?: string | undefined
  /** Instead of the message of the code. Never contains a value. */
  readonly message?: string
  readonly headers?: Headers
}

/** A request that the API rejects. */
export class AdminError extends Error {
  readonly code: AdminErrorCode
  readonly status: number
  readonly details: AdminErrorDetails

  constructor(code: AdminErrorCode, details: AdminErrorDetails = {}) {
    const [status, message] = ADMIN_ERRORS[code]
    super(details.message ?? message)
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
