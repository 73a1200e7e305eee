import { randomUUID } from 'node:crypto'
import { idToken, standardClaims } from './claims.js'
import { pairwise } from './microsoft-graph.js'
import { json } from './responses.js'
import { listedScopes, redeem, standardError, tokenResponse, type TokenFailure } from './token.js'
import type { VendorResponse, VendorUser } from './types.js'
import type { Exchange, Vendor } from './vendor.js'

/** The tenant of a user without `tid`. */
export const HOME_TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47'

/** The token endpoint. */
export async function token(exchange: Exchange, vendor: Vendor): Promise<VendorResponse> {
  if (exchange.request.headers['origin'] !== undefined) {
    return problem(
      400,
      'invalid_request',
      9002326,
      "Cross-origin token redemption is permitted only for 'Single-Page Application' clients.",
    )
  }
  const outcome = await redeem(exchange, vendor, {
    hasRefreshToken: ({ scopes }) => scopes.includes('offline_access'),
    keepsOldRefreshToken: true,
  })
  if (outcome.error) return failure(outcome)
  const { grant, user } = outcome
  const body = {
    token_type: 'Bearer',
    scope: scopes(listedScopes(grant.scopes, vendor)).join(' '),
    ...tokenResponse(outcome),
    ext_expires_in: outcome.expiresIn,
  }
  if (!grant.scopes.includes('openid')) return json(200, body)
  const issuer = `${vendor.origin}/${user.tid ?? HOME_TENANT}/v2.0`
  const id = await idToken(vendor, outcome, {
    issuer,
    subject: pairwise(user, vendor),
    claims: claims(user, grant.scopes, vendor),
  })
  return json(200, { ...body, id_token: id })
}

/**
 * Microsoft never lists `offline_access`, adds a scope that was not requested, and spells scopes of
 * Graph its own way: `user.read` and `https://graph.microsoft.com/User.Read` become `User.Read`.
 */
function scopes(granted: readonly string[]): string[] {
  const names = granted
    .filter((scope) => scope !== 'offline_access')
    .map((scope) => scope.replace(/^https:\/\/graph\.microsoft\.com\//i, ''))
    .map((scope) => (/^[a-z]+(\.[a-z]+)+$/i.test(scope) ? capitalized(scope) : scope))
  return [...new Set([...names, 'User.Read'])]
}

function capitalized(scope: string): string {
  return scope.replace(/(^|\.)[a-z]/g, (letter) => letter.toUpperCase())
}

/**
 * Without `email_verified`. Microsoft has `xms_edov` for apps that request it: set it in the user's
 * `claims`.
 */
function claims(user: VendorUser, scopes: readonly string[], vendor: Vendor) {
  const { name, preferred_username, email } = standardClaims(user, scopes)
  const overage = {
    _claim_names: { groups: 'src1' },
    _claim_sources: {
      src1: { endpoint: `${vendor.origin}/v1.0/users/${user.id}/getMemberObjects` },
    },
  }
  const groups = vendor.settings.groupsOverage ? overage : user.groups && { groups: user.groups }
  const profile = scopes.includes('profile')
    ? { name, preferred_username, oid: String(user.id) }
    : {}
  return {
    ver: '2.0',
    tid: user.tid ?? HOME_TENANT,
    ...profile,
    ...(email === undefined ? {} : { email }),
    ...groups,
  }
}

function failure(outcome: TokenFailure): VendorResponse {
  const codes: Record<string, number> = {
    invalid_client: 7000215,
    invalid_grant: 70008,
    unsupported_grant_type: 70003,
  }
  const { status, error } = standardError(outcome)
  return problem(status, error, codes[error] ?? 900144, outcome.description)
}

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
export function problem(
  status: number,
  error: string,
  code: number,
  description: string,
): VendorResponse {
  const trace = {
    trace_id: randomUUID(),
    correlation_id: randomUUID(),
    timestamp: new Date().toISOString(),
  }
  return json(status, {
    error,
    error_description: `AADSTS${code}: ${description}`,
    error_codes: [code],
    ...trace,
  })
}
