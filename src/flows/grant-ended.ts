import { ProviderError } from '../http/errors.js'

/**
 * The error if the provider has ended the grant of a session: the user must sign in again. `hint`
 * is for the owner.
 */
export function grantEnded(hint: string, cause?: unknown): ProviderError {
  return new ProviderError('ended', 'login_required', { hint, cause })
}

/** Whether the error means that the provider has ended the grant. */
export function isEnded(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.outcome === 'ended'
}
