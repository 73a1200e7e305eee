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

/** Clients reject responses with too many headers, often beyond 8 or 16 KiB. */
const MAX_SCOPES_LENGTH = 2048

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
    throw rejection('insufficient_scope', { scopes: neededScopes(facts.scopes, rules.scopes) })
  }
  const decision = policy.evaluate(profile, facts.trustsEmail)
  if (!decision.isAllowed) throw denied(token, decision)
  requireRecentLogin(token, rules, provider?.clockTolerance ?? 0, now)
  const { authorize } = rules
  const isAllowed = authorize === undefined || (await isAuthorized(authorize, token.user(), req))
  if (!isAllowed) throw denied(token, policy.deny())
  return PASS
}

/** Clients request exactly these, and would lose those of the token otherwise. */
function neededScopes(granted: readonly string[], required: readonly string[]): readonly string[] {
  const all = [...new Set([...granted, ...required])]
  return all.join(' ').length > MAX_SCOPES_LENGTH ? required : all
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
  const toleranceMs = clockTolerance * 1000
  if (now - loginAt > maxAgeMs + toleranceMs || loginAt > now + toleranceMs)
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
