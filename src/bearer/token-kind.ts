import { OAuthError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import { asStrings } from '../oauth/claims.js'
import type { Claims } from '../oauth/identity.js'
import { isGithubActions, isGoogle } from './issuers.js'

/** A token that must not be accepted. The hint contains neither the token nor its claims. */
export class TokenError extends OAuthError {
  /** Whether the issuer has signed the token, so that the owner can probably fix it. */
  readonly isForOwner: boolean

  constructor(hint: string, details: { message?: string; isForOwner?: boolean } = {}) {
    super('invalid_token', { hint, message: details.message })
    this.isForOwner = details.isForOwner ?? false
    this.name = 'TokenError'
  }
}

/** Claims that only ID tokens, logout tokens and security event tokens have. */
const OTHER_KINDS = ['at_hash', 'c_hash', 's_hash', 'events', 'toe'] as const

/**
 * Claims that only access tokens have: RFC 9068 (`client_id`, `scope`), Okta (`cid`, `scp`), Entra
 * (`scp`, `appid`, `azpacr`), Auth0 (`gty`, `permissions`).
 */
const ACCESS_TOKEN_CLAIMS = [
  ...['scope', 'scp', 'client_id', 'cid', 'appid', 'appidacr', 'azpacr', 'gty', 'permissions'],
] as const

/**
 * Rejects JWTs of an issuer that are no access tokens, above all ID tokens: anyone who has a login
 * has one. A token of the type `at+jwt` is an access token (RFC 9068, 2.1). Otherwise it must have
 * a claim that only access tokens have, and none that they do not have, because many issuers send
 * the type `JWT` for both. docs/tokens.md lists what each issuer sends.
 */
export function checkIsAccessToken(type: string, claims: Claims, issuer: string): void {
  const other = OTHER_KINDS.find((name) => claims[name] !== undefined)
  if (other !== undefined)
    throw new TokenError(`the token has the claim ${other}, so it is not an access token`)
  const { token_use: use, typ } = claims
  // Amazon Cognito: `access` or `id`.
  if (use !== undefined && use !== 'access')
    throw new TokenError('the token has a token_use other than access: send the access token')
  // Keycloak: `Bearer`, `ID`, `Refresh`, `Offline`, `Logout`; `DPoP` has `cnf`.
  if (typeof typ === 'string' && !/^(?:bearer|dpop|at\+jwt|jwt)$/i.test(typ))
    throw new TokenError('the claim typ is not that of an access token: send the access token')
  if (type === 'at+jwt' || isGithubActions(issuer)) return
  if (isGoogle(issuer))
    throw new TokenError('a JWT of Google is an ID token: send the access token, which is opaque')
  const isMarked = use === 'access' || (typeof typ === 'string' && /^bearer$/i.test(typ))
  // Keycloak before version 24 copies it to access tokens.
  if (claims['nonce'] !== undefined && !isMarked)
    throw new TokenError('the token has the claim nonce, as an ID token has: send the access token')
  if (!isMarked && !hasAccessTokenClaim(claims) && !isGitlabJob(claims))
    throw new TokenError(
      'nothing shows that the token is an access token, and not an ID token: have the issuer send the type at+jwt, or the claim scope or client_id',
    )
}

function hasAccessTokenClaim(claims: Claims): boolean {
  if (ACCESS_TOKEN_CLAIMS.some((name) => claims[name] !== undefined)) return true
  // An ID token is for the client that it was issued to. (OpenID Connect Core, 2)
  const { azp } = claims
  return typeof azp === 'string' && !audiencesOf(claims).includes(azp)
}

/** A job of GitLab CI: the keyword `id_tokens`. https://docs.gitlab.com/ci/secrets/id_token_authentication/ */
function isGitlabJob({
  project_path: project,
  job_id: job,
  pipeline_id: pipeline,
}: Claims): boolean {
  return typeof project === 'string' && job !== undefined && pipeline !== undefined
}

/** `aud` as an array. (RFC 7519, 4.1.3) */
export function audiencesOf({ aud }: Claims): readonly string[] {
  return typeof aud === 'string' ? [aud] : asStrings(aud)
}

/** Whether a token is bound to a key that the client must prove to have. (RFC 7800; RFC 9449) */
export function isKeyBound({ cnf, token_type: type }: Claims): boolean {
  const isBoundType = typeof type === 'string' && /^(?:dpop|pop|n_a)$/i.test(type)
  return isBoundType || (cnf !== undefined && (!isObject(cnf) || Object.keys(cnf).length > 0))
}
