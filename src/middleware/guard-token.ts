import type { IncomingMessage } from 'node:http'
import { isAuthorized } from '../access/authorize.js'
import { missingScopes } from '../access/granted-scopes.js'
import { type Denial, denialHint, type Policy } from '../access/policy.js'
import type { VerifiedToken } from '../bearer/verified-token.js'
import type { Connections } from '../flows/connection.js'
import { Rejection, type TokenChallenge } from '../flows/rejection.js'
import { OAuthError, type OAuthErrorCode } from '../http/errors.js'
import { type Outcome, PASS } from './outcome.js'
import type { ParsedGuardRules } from './require-auth.js'

/**
 * Applies the rules of a guard to a request with an access token. No login can help: the client
 * needs another token, and the response names its scopes. Throws a {@link Rejection}.
 */
export async function guardToken(
  token: VerifiedToken,
  req: IncomingMessage,
  rules: ParsedGuardRules,
  policy: Policy,
  connections: Connections,
  now: number,
): Promise<Outcome> {
  const { profile, facts } = token
  const provider = connections.get(profile.provider)?.provider
  if (missingScopes(provider ?? {}, facts.scopes, rules.scopes).length > 0) {
    // Clients request exactly these, and would lose the others.
    const scopes = [...new Set([...facts.scopes, ...rules.scopes])]
    throw rejection('insufficient_scope', { scopes })
  }
  const decision = policy.evaluate(profile, facts.trustsEmail)
  if (!decision.isAllowed) throw denied(token, decision)
  requireRecentLogin(token, rules, provider?.clockTolerance ?? 0, now)
  const { authorize } = rules
  const isAllowed = authorize === undefined || (await isAuthorized(authorize, token.user(), req))
  if (!isAllowed) throw denied(token, policy.deny())
  return PASS
}

/** `maxAge`: the claim `auth_time`, or the issue of the token if any login is accepted. */
function requireRecentLogin(
  { facts: { authenticatedAt, issuedAt } }: VerifiedToken,
  { maxAgeMs, acceptSilentLogin }: ParsedGuardRules,
  clockTolerance: number,
  now: number,
): void {
  if (maxAgeMs === undefined) return
  const loginAt = authenticatedAt ?? (acceptSilentLogin ? issuedAt : undefined) ?? 0
  if (now - loginAt > maxAgeMs + clockTolerance * 1000)
    throw rejection('login_required', { maxAge: Math.floor(maxAgeMs / 1000) })
}

function rejection(code: OAuthErrorCode, challenge: TokenChallenge): Rejection {
  return new Rejection(new OAuthError(code), { stage: 'token', challenge })
}

function denied(token: VerifiedToken, denial: Denial): Rejection {
  const { code, tried, unmet } = denial
  const error = new OAuthError(code, { hint: denialHint(denial) })
  return new Rejection(error, { user: token.user(), tried, unmet, stage: 'token' })
}
