import type { ServerResponse } from 'node:http'
import { LRUCache } from 'lru-cache'
import { OAuthError } from '../errors.js'
import { sendJson } from '../http/answer.js'
import { readForm } from '../http/form.js'
import type { AppRequest } from '../http/request.js'
import type { Claims } from '../oauth/provider.js'
import { isRecord } from '../read.js'
import type { LogoutIndex } from '../session/logout-index.js'
import type { Sessions } from '../session/sessions.js'
import type { Connection } from './login.js'

export interface BackchannelLogoutConfig {
  connections: ReadonlyMap<string, Connection>
  sessions: Sessions
  index: LogoutIndex
}

/** Takes logout tokens of OpenID Connect providers. (Back-Channel Logout 1.0, 2.5) */
export interface BackchannelLogout {
  handle(req: AppRequest, res: ServerResponse): Promise<void>
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const MAX_BODY = 64 * 1024
/** A token is good for one logout; providers repeat it within minutes, if at all. */
const REPLAY_MEMORY = 3_600_000
/** Seconds: an older token is no news. */
const MAX_AGE = 300

export function createBackchannelLogout({ connections, sessions, index }: BackchannelLogoutConfig): BackchannelLogout {
  const seen = new LRUCache<string, true>({ max: 10_000, ttl: REPLAY_MEMORY, perf: Date, ttlResolution: 0 })

  const verify = async (token: string): Promise<{ connection: Connection; claims: Claims }> => {
    const { aud, iss } = readUnverified(token)
    for (const connection of connections.values()) {
      const { provider, client } = connection
      if (!provider.openid || ![aud].flat().includes(provider.clientId)) continue
      if (connections.size > 1 && provider.issuer !== undefined && iss !== provider.issuer) continue
      return { connection, claims: await client.verifyLogoutToken(token) }
    }
    throw refuse('the logout token is for no provider of this app')
  }

  return {
    async handle(req, res) {
      const token = (await readForm(req, MAX_BODY)).get('logout_token')
      if (token === null) throw refuse('there is no logout_token')
      const { connection, claims } = await verify(token)
      checkLogoutClaims(claims)
      const replay = `${connection.provider.name} ${String(claims['jti'])}`
      if (seen.has(replay)) throw refuse('the logout token was used already')
      seen.set(replay, true)
      const { sid, sub } = claims
      const keys = await index.find(connection.provider.name, {
        sid: typeof sid === 'string' ? sid : undefined,
        sub: typeof sub === 'string' ? sub : undefined,
      })
      for (const key of keys) await sessions.destroy(key, 'revoked')
      sendJson(res, 200, {})
    },
  }
}

/** Back-Channel Logout 1.0, 2.6, beyond signature, issuer, audience and times. */
function checkLogoutClaims({ events, nonce, jti, sid, sub, iat, exp }: Claims): void {
  if (!isRecord(events) || !isRecord(events[EVENT])) throw refuse('the token is no logout token')
  if (nonce !== undefined) throw refuse('a logout token has no nonce')
  if (typeof jti !== 'string' || jti === '') throw refuse('the logout token has no jti')
  if (typeof sid !== 'string' && typeof sub !== 'string') throw refuse('the logout token names neither a session nor a user')
  if (exp === undefined && Number(iat) < Date.now() / 1000 - MAX_AGE) throw refuse('the logout token is too old')
}

/** Only to choose whose keys to ask: nothing of it is believed yet. */
function readUnverified(token: string): Claims {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return isRecord(claims) ? claims : {}
  } catch {
    return {}
  }
}

function refuse(hint: string): OAuthError {
  return new OAuthError('invalid_callback', { message: 'The logout token is not one that we can use.', hint })
}
