import { OAuthError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { claimAt } from '../oauth/claim-paths.js'
import { isTrue } from '../oauth/claims.js'
import { type Claims, membershipLists } from '../oauth/identity.js'
import type { Denial, Policy } from './policy.js'
import { emailLists, type RuleList } from './rules.js'
import type { Loss, OAuthUser } from './user.js'

/** Claims that describe an ID token or a login, and that userinfo does not have. */
const TOKEN_CLAIMS: ReadonlySet<string> = new Set([
  ...['iss', 'aud', 'exp', 'iat', 'nbf', 'nonce', 'azp', 'jti', 'sid'],
  ...['at_hash', 'c_hash', 's_hash'],
  ...['auth_time', 'acr', 'amr', 'idp'],
  ...['typ', 'ver', 'session_state'],
])

/** Nested claims are compared down to this level. */
const MAX_LEVELS = 8

/** Nothing is lost. */
export const NO_LOSS: Loss = { claims: [], parts: [] }

/** The names that are kept of many lost claims. */
const MAX_CLAIMS = 32

/** What is known of the user of a session. */
export interface LastReading {
  readonly user: OAuthUser
  /** What the user lacks since the login. */
  readonly lost: Loss
}

/** What is lost in comparison with the last reading, and since the login. */
export interface LossSinceLogin {
  readonly loss: Loss
  readonly lost: Loss
}

/** What a new reading of the user lacks; nothing without a last one. */
export function lossSince(last: LastReading | undefined, user: OAuthUser): LossSinceLogin {
  if (last === undefined) return { loss: NO_LOSS, lost: NO_LOSS }
  const loss = lossOf(last.user, user)
  return { loss, lost: addLoss(stillLost(last.lost, user.claims), loss) }
}

/**
 * What `after`, the user as read at a check, lacks of `before`. Some providers return claims only
 * in the ID token of a login: without them, rules cannot be evaluated.
 */
function lossOf(before: OAuthUser, after: OAuthUser): Loss {
  const lost = missingClaims(before.claims, after.claims).filter(
    ([path]) => !TOKEN_CLAIMS.has(path),
  )
  if (lost.length === 0) return NO_LOSS
  const lists = membershipLists.filter((list) =>
    before[list].some((entry) => !after[list].includes(entry) && wasIn(entry, before, lost)),
  )
  const email = hasLostEmail(before, after, lost) ? (['email'] as const) : []
  return { claims: lost.map(([path]) => path), parts: ['claims', ...email, ...lists] }
}

/** What is lost of either. */
export function addLoss(one: Loss, other: Loss): Loss {
  return {
    claims: [...new Set([...one.claims, ...other.claims])].slice(0, MAX_CLAIMS),
    parts: [...new Set([...one.parts, ...other.parts])],
  }
}

/** What is lost as long as the claims do not contain it again. */
export function stillLost({ claims, parts }: Loss, found: Claims): Loss {
  const missing = claims.filter((path) => claimAt(found, path) === undefined)
  return missing.length === 0 ? NO_LOSS : { claims: missing, parts }
}

/** Whether the loss may be why a user does not meet these lists. */
export function concernsLists({ parts }: Loss, lists: readonly RuleList[]): boolean {
  return lists.some((list) =>
    parts.some((part) => part === list || (part === 'email' && emailLists.includes(list))),
  )
}

/** Handles an error of a custom rule: it may rely on a claim that is lost. */
export function denyForLoss(
  { parts }: Loss,
  policy: Policy,
): (error: unknown) => { readonly decision: Denial } {
  return (error) => {
    if (parts.length > 0 && error instanceof OAuthError && error.code === 'internal')
      return { decision: policy.deny() }
    throw error
  }
}

type LostClaim = readonly [path: string, value: unknown]

function hasLostEmail(before: OAuthUser, after: OAuthUser, lost: readonly LostClaim[]): boolean {
  const { email, emailVerified } = before
  if (email !== undefined && after.email === undefined) return wasIn(email, before, lost)
  return emailVerified && !after.emailVerified && lost.some(([, value]) => isFlag(value))
}

/**
 * Whether a value may come from the lost claims: one of them contains it, or none of all claims
 * does, because the provider's hooks convert it. Otherwise the claim is there without the value.
 */
function wasIn(value: string, { claims }: OAuthUser, lost: readonly LostClaim[]): boolean {
  const text = JSON.stringify(value).slice(1, -1).toLowerCase()
  const isInText = (all: unknown) => JSON.stringify(all).toLowerCase().includes(text)
  return isInText(lost.map(([, one]) => one)) || !isInText(claims)
}

/** Whether the claim may state that the email address is verified. */
function isFlag(value: unknown): boolean {
  return isTrue(value) || value === 1 || value === '1'
}

/** The claims that `before` has and `after` has not; `null` counts as absent. */
function missingClaims(before: Claims, after: Claims, level = 1): LostClaim[] {
  return Object.entries(before).flatMap(([name, value]): LostClaim[] => {
    if (value === undefined || value === null) return []
    const current = Object.hasOwn(after, name) ? (after[name] ?? undefined) : undefined
    if (current === undefined) return [[name, value]]
    if (!isObject(value) || !isObject(current) || level === MAX_LEVELS) return []
    return missingClaims(value, current, level + 1).map(([path, one]) => [`${name}.${path}`, one])
  })
}
