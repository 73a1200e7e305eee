import { withoutNull } from '../http/json.js'
import type { Claims } from './identity.js'

/**
 * Userinfo takes precedence over the ID token, but an email address and its verification come from
 * the same one of them.
 */
export function mergeUserinfo(idToken: Claims, response: Claims): Claims {
  const userinfo = withoutNull(response)
  const { email_verified: _, ...merged } = { ...idToken, ...userinfo }
  const isFromIdToken = userinfo['email'] === undefined && idToken['email'] !== undefined
  const isSame = userinfo['email'] === idToken['email']
  const verified = isFromIdToken
    ? idToken['email_verified']
    : (userinfo['email_verified'] ?? (isSame ? idToken['email_verified'] : undefined))
  return {
    ...merged,
    ...(verified !== undefined && { email_verified: verified }),
  }
}
