import type { IncomingMessage } from 'node:http'
import { runHook } from '../oauth/run-hook.js'
import { type Claims, membershipLists } from '../oauth/identity.js'
import type { Session } from '../session/session.js'
import type { OpenSession, Sessions, Tokens } from '../session/sessions.js'
import type { OAuthUser } from '../access/user.js'
import type { UserEvaluation, UserEvaluator } from '../access/evaluate-user.js'
import type { Connection } from './connection.js'
import { hasExpired, isEnd, type TokenRefresher } from './refresh-tokens.js'
import { recheckScopes } from '../access/granted-scopes.js'

/** One check of a session, while it runs. */
export interface RunningCheck {
  /** Follows what a refresh does to the session. */
  session: OpenSession
  readonly req: IncomingMessage
  readonly connection: Connection
  readonly evaluator: UserEvaluator
  readonly startedAt: number
  isRefreshed: boolean
  /** Granted still. */
  scopes: readonly string[]
}

export interface UserReaderConfig {
  sessions: Sessions
  refresh: TokenRefresher
}

/** Reads the user of a session again, with a fresh token where the one at hand has run out or says too little. */
export function createUserReader({
  sessions,
  refresh,
}: UserReaderConfig): (check: RunningCheck) => Promise<UserEvaluation> {
  return async (check) => {
    const { connection, evaluator, req } = check
    let claims: Claims | undefined
    let answer: Claims | undefined
    const renew = async () => {
      ;({
        session: check.session,
        claims,
        answer,
      } = await refresh.tokens(check.session, connection))
      check.isRefreshed = true
    }
    const identify = async () => {
      const { record } = check.session
      const tokens = sessions.tokens(check.session)
      const source = connection.client.api({
        accessToken: tokens.accessToken,
        claims: claims ?? record.boundClaims,
        hasFreshClaims: claims !== undefined,
        isLogin: false,
        scopes: record.scopes,
        subject: record.subject,
        tokens: { ...keptAnswer(record, tokens), ...answer },
      })
      await runHook('validate', source, () => connection.provider.validate?.(source))
      check.scopes = await recheckScopes(connection.provider, source)
      return evaluator.evaluate(source, req)
    }
    check.session = await refresh.recover(check.session)
    if (sessions.tokens(check.session).accessToken === '' || hasExpired(check.session.record))
      await renew()
    try {
      const evaluation = await identify()
      const canRenew = sessions.tokens(check.session).refreshToken !== undefined
      return mustReadIdToken(check, evaluation, canRenew)
        ? await renew().then(identify)
        : evaluation
    } catch (error) {
      if (
        !isEnd(error) ||
        check.isRefreshed ||
        sessions.tokens(check.session).refreshToken === undefined
      )
        throw error
      await renew()
      return identify()
    }
  }
}

/**
 * Some providers say in the ID token what userinfo leaves out: before anybody is refused for want of it, or loses what routes
 * and headers ask about, it is read anew. Without a refresh token a refusal takes a new login, and a loss stands.
 */
function mustReadIdToken(
  { session, connection, isRefreshed }: RunningCheck,
  { user, decision }: UserEvaluation,
  canRenew: boolean,
): boolean {
  if (isRefreshed || !connection.provider.openid) return false
  if (decision.isAllowed && !(canRenew && hasLost(session.record.user, user))) return false
  return Object.keys(session.record.user.claims).some(
    (name) => !(name in user.claims) && !protocolClaims.has(name),
  )
}

function hasLost(before: OAuthUser, user: OAuthUser): boolean {
  return (
    (before.emailVerified && !user.emailVerified) ||
    membershipLists.some((list) => before[list].some((entry) => !user[list].includes(entry)))
  )
}

/** What a profile function finds of the token answer while nothing new has come. */
function keptAnswer({ scopes }: Session, { accessToken, refreshToken, idToken }: Tokens): Claims {
  return {
    access_token: accessToken,
    token_type: 'bearer',
    scope: scopes.join(' '),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    ...(idToken !== undefined && { id_token: idToken }),
  }
}

/** What every ID token has and no userinfo. */
const protocolClaims = new Set([
  'iss',
  'aud',
  'exp',
  'iat',
  'nbf',
  'nonce',
  'azp',
  'at_hash',
  'c_hash',
  's_hash',
  'jti',
  'auth_time',
  'acr',
  'amr',
  'sid',
])
