import { claimAt } from '../oauth/claim-paths.js'
import { asString, asStrings, asUserId } from '../oauth/claims.js'
import type { Claims, Identity } from '../oauth/identity.js'
import { checkTimes, IdTokenError } from '../oauth/jwt-checks.js'
import { audiencesOf, isKeyBound, TokenError } from './token-kind.js'

const EXPIRED = 'The access token has expired.'

/** Throws if the token is not valid now. `requiresExpiry`: a JWT must expire. (RFC 9068, 2.2) */
export function checkTokenTimes(
  claims: Claims,
  clockTolerance: number,
  requiresExpiry: boolean,
): void {
  if (requiresExpiry && claims['exp'] === undefined)
    throw new TokenError('the token has no exp', { isForOwner: true })
  try {
    checkTimes(claims, { tokenName: 'the access token', clockTolerance, requiresIssuedAt: false })
  } catch (error) {
    if (!(error instanceof IdTokenError)) throw error
    const message = error.hint?.includes('expired') ? EXPIRED : undefined
    throw new TokenError(error.hint ?? '', message === undefined ? {} : { message })
  }
}

/**
 * Whether the token is for one of these audiences. (RFC 7519, 4.1.3) Clients that request a token
 * for an origin (RFC 8707) may add the slash that is its path.
 */
export function isForAudience(claims: Claims, accepted: readonly string[]): boolean {
  if (claims['aud'] !== undefined)
    return audiencesOf(claims).some((audience) => accepted.some((one) => isSame(one, audience)))
  const { client_id: clientId } = claims
  return typeof clientId === 'string' && hasClientAsAudience(claims) && accepted.includes(clientId)
}

function isSame(accepted: string, audience: string): boolean {
  if (accepted === audience) return true
  return withoutPath(accepted) === withoutPath(audience)
}

/** An origin with or without the slash after it; anything else is unchanged. */
function withoutPath(audience: string): string {
  return /^https?:\/\/[^/?#]+\/$/i.test(audience) ? audience.slice(0, -1) : audience
}

/**
 * Access tokens of Amazon Cognito, and opaque tokens of many servers, have no `aud`: they are for
 * the client that they were issued to.
 */
function hasClientAsAudience({ token_use: use, token_type: type }: Claims): boolean {
  return use === 'access' || (typeof type === 'string' && type.toLowerCase() === 'bearer')
}

/** Rejects tokens that are of no use without a proof, which is not supported. (RFC 9449, 7.1) */
export function checkNotKeyBound(claims: Claims): void {
  if (isKeyBound(claims))
    throw new TokenError(
      'the token is bound to a key of the client (cnf): DPoP and mutual TLS are not supported',
      { isForOwner: true },
    )
}

/** The scopes of a token: `scope` (RFC 8693, 4.2), or `scp` of Entra and Okta. */
export function scopesOf({ scope, scp }: Claims): readonly string[] {
  return [...new Set([scope, scp].flatMap(scopeNames))]
}

function scopeNames(value: unknown): readonly string[] {
  return typeof value === 'string' ? value.split(' ').filter(Boolean) : asStrings(value)
}

/** The client that a token was issued to. */
export function clientIdOf({ client_id: id, azp, cid, appid }: Claims): string | undefined {
  return [id, azp, cid, appid].map(asString).find((found) => found !== undefined)
}

/**
 * Whether the client itself is the user, as with client credentials (RFC 6749, 4.4): such a token
 * has no email address, whatever its claims contain.
 */
export function isMachine(claims: Claims): boolean {
  const { sub, gty, idtyp, oid, scp, appid, azp, preferred_username: username } = claims
  // Auth0
  if (gty === 'client-credentials' || gty === 'client_credentials') return true
  // Entra: an application has `oid` as `sub`, and no delegated scopes.
  const isEntraApp = oid !== undefined && oid === sub && (appid ?? azp) !== undefined
  if (idtyp === 'app' || (isEntraApp && scp === undefined)) return true
  // Keycloak
  if (typeof username === 'string' && username.startsWith('service-account-')) return true
  const client = clientIdOf(claims)
  if (client === undefined) return sub === undefined
  return sub === undefined || sub === client || sub === `${client}@clients`
}

/** What an entry of `bearer.issuers` states about its users. */
export interface IdentityRules {
  readonly idClaim: string | undefined
  /** The ID is unique only within a tenant. */
  readonly hasTenants: boolean
}

/** The user of a token: `identity` as the provider reads it from the claims. */
export function tokenIdentity(
  identity: Identity,
  claims: Claims,
  { idClaim, hasTenants }: IdentityRules,
): Identity {
  const id = idClaim === undefined ? identity.id : userIdOf(claims, idClaim)
  const isApp = isMachine(claims)
  return {
    ...identity,
    id: hasTenants ? `${asUserId(claims['tid'])}.${id}` : id,
    email: isApp ? undefined : identity.email,
    emailVerified: !isApp && identity.emailVerified,
    username: identity.username ?? (isApp ? clientIdOf(claims) : undefined),
    claims,
  }
}

/** The ID of the user at this path. */
export function userIdOf(claims: Claims, path: string): string {
  const value = claimAt(claims, path)
  if (value === undefined)
    throw new TokenError(
      path === 'sub'
        ? 'the token has no sub: set idClaim to the claim that is the ID of the user'
        : 'the token lacks the claim that idClaim names',
      { isForOwner: true },
    )
  return asUserId(value)
}
