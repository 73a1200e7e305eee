/**
 * Why a security event token is not accepted. (RFC 8935, 2.4; SSF 1.0, 8.1.4.1 for
 * `invalid_state`)
 */
export type SetErrorCode =
  | 'invalid_request'
  | 'invalid_key'
  | 'invalid_issuer'
  | 'invalid_audience'
  | 'authentication_failed'
  | 'access_denied'
  | 'invalid_state'

/** A security event token that is not accepted, whenever it is sent. */
export class SetError extends Error {
  readonly code: SetErrorCode

  /** @param description For the sender and the log, without secrets. */
  constructor(code: SetErrorCode, description: string) {
    super(description)
    this.name = 'SetError'
    this.code = code
  }
}
