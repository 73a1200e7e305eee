import type { ServerResponse } from 'node:http'
import { OAuthError } from '../http/errors.js'
import { sendJson } from '../http/response.js'
import { type Outcome, RESPONDED } from './outcome.js'

/** Responds to a request with a mount path from which cookies and URLs cannot be built. */
export function rejectMount(res: ServerResponse): Outcome {
  const { code, message, status } = new OAuthError('not_found')
  sendJson(res, status, { error: code, message })
  return RESPONDED
}
