import type { LRUCache } from 'lru-cache'
import { createCache } from '../http/create-cache.js'
import { OAuthError } from '../http/errors.js'
import { readForm } from '../http/form.js'
import type { GateRequest } from '../http/gate-request.js'
import { isObject, parseJson } from '../http/json.js'
import { sendJson } from '../http/response.js'
import { asString } from '../oauth/claims.js'
import type { Claims } from '../oauth/identity.js'
import { IdTokenError } from '../oauth/jwt-checks.js'
import { UnknownKeyError } from '../oauth/jwt.js'
import type { LogoutIndex, LogoutSubject } from '../session/logout-index.js'
import type { Sessions } from '../session/sessions.js'
import type { Connection, Connections } from './connection.js'

/** What {@link BackchannelLogout} depends on. */
export interface BackchannelLogoutDeps {
  readonly connections: Connections
  readonly sessions: Sessions
  readonly index: LogoutIndex
  readonly seen: SeenLogoutTokens
  readonly clockToleranceMs: number
  /** Reports a logout token that ended nothing. */
  readonly reportUnknown: (provider: string) => void
}

/**
 * Logout tokens that were accepted, by provider and `jti`. Outlives a configuration: none may be
 * accepted again.
 */
export type SeenLogoutTokens = LRUCache<string, true>

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const MAX_BODY_BYTES = 64 * 1024
/** Rejects logout tokens older than this. */
const MAX_TOKEN_AGE_SECONDS = 300
/** The same for tokens with `exp`, even if `exp` is later. */
const MAX_EXPIRING_TOKEN_AGE_SECONDS = 3600
/** Longer than the maximum age of a token plus the clock tolerance. */
const SEEN_TTL_MS = 2 * 3_600_000

/** Empty state for {@link BackchannelLogout}. */
export function createSeenLogoutTokens(): SeenLogoutTokens {
  return createCache({ max: 10_000, ttl: SEEN_TTL_MS })
}

/**
 * Ends sessions when an OpenID Connect provider sends a logout token. (Back-Channel Logout 1.0, 2.5
 * to 2.8)
 */
export class BackchannelLogout {
  readonly #deps: BackchannelLogoutDeps

  constructor(deps: BackchannelLogoutDeps) {
    this.#deps = deps
  }

  /**
   * `/auth/backchannel-logout`. Throws `invalid_callback` for a logout token that is invalid or was
   * used.
   */
  async handle({ req, res }: GateRequest): Promise<void> {
    const { sessions, index, seen, clockToleranceMs, reportUnknown } = this.#deps
    const [token, second] = (await readForm(req, res, MAX_BODY_BYTES)).getAll('logout_token')
    if (token === undefined || second !== undefined)
      throw invalidToken('there is no logout_token, or more than one')
    // A body parser in front may accept more than `readForm`.
    if (token.length > MAX_BODY_BYTES) throw invalidToken('the logout token is too long')
    const { connection, claims } = await this.#verify(token)
    const { jti, sid, sub, issuedAt } = readLogoutClaims(claims)
    const { clientKey } = connection
    const tokenId = `${clientKey} ${jti}`
    if (seen.has(tokenId) || (await index.isUsed(clientKey, jti)))
      throw invalidToken('the logout token was already used')
    // A token that is delivered late, or repeated, must not end sessions that are newer than it.
    const keys = await index.find(clientKey, { sid, sub }, issuedAt + 1000 + clockToleranceMs)
    for (const key of keys) await sessions.destroy(key, 'backchannel')
    if (keys.length === 0) reportUnknown(connection.provider.name)
    // Last, so that the provider can send the token again if the store fails.
    await index.markUsed(clientKey, jti, SEEN_TTL_MS)
    seen.set(tokenId, true)
    sendJson(res, 200, {})
  }

  async #verify(token: string): Promise<{ connection: Connection; claims: Claims }> {
    const { connections } = this.#deps
    const { aud, iss } = unverifiedClaims(token)
    for (const connection of connections.values()) {
      const { provider, client } = connection
      if (!provider.openid || ![aud].flat().includes(provider.clientId)) continue
      if (connections.size > 1 && provider.issuer !== undefined && iss !== provider.issuer) continue
      const claims = await client.verifyLogoutToken(token).catch(rejectToken)
      return { connection, claims }
    }
    throw invalidToken('the logout token is not for a provider of this app')
  }
}

/** The claims of a logout token that identify it and its subject. */
interface LogoutClaims extends LogoutSubject {
  readonly jti: string
  /** Milliseconds, in whole seconds. */
  readonly issuedAt: number
}

/** Checks the claims other than issuer, audience and times. (Back-Channel Logout 1.0, 2.6) */
function readLogoutClaims({ events, nonce, jti, sid, sub, iat, exp }: Claims): LogoutClaims {
  if (!isObject(events) || !isObject(events[LOGOUT_EVENT]))
    throw invalidToken('the token is not a logout token')
  if (nonce !== undefined) throw invalidToken('a logout token must not have a nonce')
  if (typeof jti !== 'string' || jti === '') throw invalidToken('the logout token has no jti')
  if (typeof sid !== 'string' && typeof sub !== 'string')
    throw invalidToken('the logout token has neither sid nor sub')
  const maxAge = exp === undefined ? MAX_TOKEN_AGE_SECONDS : MAX_EXPIRING_TOKEN_AGE_SECONDS
  if (Number(iat) < Date.now() / 1000 - maxAge) throw invalidToken('the logout token is too old')
  return { jti, sid: asString(sid), sub: asString(sub), issuedAt: Math.floor(Number(iat)) * 1000 }
}

/** The claims before verification. Use them only to choose the provider that verifies the token. */
function unverifiedClaims(token: string): Claims {
  const [, payload = ''] = token.split('.')
  const claims = parseJson(Buffer.from(payload, 'base64url').toString())
  return isObject(claims) ? claims : {}
}

/**
 * A token that fails verification is rejected; an error of the provider, such as a timeout, is
 * rethrown.
 */
function rejectToken(error: unknown): never {
  const isTokenError = error instanceof IdTokenError || error instanceof UnknownKeyError
  throw isTokenError ? invalidToken(error.hint ?? 'the logout token is invalid') : error
}

function invalidToken(hint: string): OAuthError {
  return new OAuthError('invalid_callback', { message: 'The logout token is not valid.', hint })
}
