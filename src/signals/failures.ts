import { OAuthError } from '../http/errors.js'

/** What failed, for the log. */
export function describeFailure(error: unknown): string {
  if (error instanceof OAuthError) return error.hint ?? error.message
  return error instanceof Error ? error.message : 'an unknown error'
}
