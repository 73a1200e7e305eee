import { LRUCache } from 'lru-cache'
import { OAuthError } from '../http/errors.js'
import { sendJson } from '../http/response.js'
import { readForm } from '../http/form.js'
import type { GateRequest } from '../http/gate-request.js'
import { IdTokenError, UnknownKeyError } from '../oauth/id-token.js'
import type { Claims } from '../oauth/identity.js'
import { isObject, parseJson } from '../http/json.js'
import type { LogoutIndex, SessionMaker } from '../session/logout-index.js'
import type { Sessions } from '../session/sessions.js'
import type { Connection } from './login.js'

export interface BackchannelLogoutConfig {
  connections: ReadonlyMap<string, Connection>
  sessions: Sessions
  index: LogoutIndex
  seen: SeenLogoutTokens
}

/** Logout tokens that were used. To be kept when the configuration changes: they stay used. */
export type SeenLogoutTokens = LRUCache<string, true>

/** Takes logout tokens of OpenID Connect providers. (Back-Channel Logout 1.0, 2.5) */
export interface BackchannelLogout {
  handle(request: GateRequest): Promise<void>
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const MAX_BODY = 64 * 1024
/** Seconds. A logout token is news: an older one is refused, whatever end of its own it names. */
const MAX_AGE = 300
const MAX_AGE_WITH_END = 3600
/** Longer than any token is taken, clocks that differ included. */
const REPLAY_MEMORY = 2 * 3_600_000

export function createSeenLogoutTokens(): SeenLogoutTokens {
  return new LRUCache({ max: 10_000, ttl: REPLAY_MEMORY, perf: Date, ttlResolution: 0 })
}

export function createBackchannelLogout({
  connections,
  sessions,
  index,
  seen,
}: BackchannelLogoutConfig): BackchannelLogout {
  const verify = async (token: string): Promise<{ connection: Connection; claims: Claims }> => {
    const { aud, iss } = readUnverified(token)
    for (const connection of connections.values()) {
      const { provider, client } = connection
      if (!provider.openid || ![aud].flat().includes(provider.clientId)) continue
      if (connections.size > 1 && provider.issuer !== undefined && iss !== provider.issuer) continue
      return { connection, claims: await client.verifyLogoutToken(token).catch(asRefusal) }
    }
    throw refuse('the logout token is for no provider of this app')
  }

  return {
    async handle({ req, res }) {
      const [token, second] = (await readForm(req, MAX_BODY)).getAll('logout_token')
      if (token === undefined || second !== undefined)
        throw refuse('there is no logout_token, or more than one')
      const { connection, claims } = await verify(token)
      checkLogoutClaims(claims)
      const replay = `${connection.provider.name} ${String(claims['jti'])}`
      if (seen.has(replay)) throw refuse('the logout token was used already')
      const { sid, sub } = claims
      const keys = await index.find(madeBy(connection), {
        sid: typeof sid === 'string' ? sid : undefined,
        sub: typeof sub === 'string' ? sub : undefined,
      })
      for (const key of keys) await sessions.destroy(key, 'revoked')
      // Not before it is done: while the store is down the provider may send it again.
      seen.set(replay, true)
      sendJson(res, 200, {})
    },
  }
}

/** Back-Channel Logout 1.0, 2.6, beyond signature, issuer, audience and times. */
function checkLogoutClaims({ events, nonce, jti, sid, sub, iat, exp }: Claims): void {
  if (!isObject(events) || !isObject(events[EVENT])) throw refuse('the token is no logout token')
  if (nonce !== undefined) throw refuse('a logout token has no nonce')
  if (typeof jti !== 'string' || jti === '') throw refuse('the logout token has no jti')
  if (typeof sid !== 'string' && typeof sub !== 'string')
    throw refuse('the logout token names neither a session nor a user')
  const maxAge = exp === undefined ? MAX_AGE : MAX_AGE_WITH_END
  if (Number(iat) < Date.now() / 1000 - maxAge) throw refuse('the logout token is too old')
}

/** Only to choose whose keys to ask: nothing of it is believed yet. */
function readUnverified(token: string): Claims {
  const claims = parseJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return isObject(claims) ? claims : {}
}

/** What sessions of this connection have in common. */
function madeBy({ provider: { name, issuer, clientId } }: Connection): SessionMaker {
  return { provider: name, issuer: issuer ?? '', clientId }
}

/** A token that cannot be believed is the sender's fault; a provider whose keys cannot be had is not. */
function asRefusal(error: unknown): never {
  const isToken = error instanceof IdTokenError || error instanceof UnknownKeyError
  throw isToken ? refuse(error.hint ?? 'the logout token cannot be believed') : error
}

function refuse(hint: string): OAuthError {
  return new OAuthError('invalid_callback', {
    message: 'The logout token is not one that we can use.',
    hint,
  })
}
