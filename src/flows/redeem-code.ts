import {
  allGranted,
  fetchGrantedScopes,
  missingScopes,
  requiresScopes,
} from '../access/granted-scopes.js'
import type { Provider } from '../access/provider.js'
import { clientAddress } from '../http/client-address.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import type { TokenSet } from '../oauth/token-request.js'
import type { ConsumedTransaction } from '../oauth/transaction.js'
import type { Connection } from './connection.js'
import type { LoginRequest } from './links.js'
import { warnOfMissingRefreshToken } from './offline-access.js'
import { Rejection } from './rejection.js'

/** A login whose authorization response matches a transaction of this browser. */
export interface MatchedLogin {
  readonly transaction: ConsumedTransaction
  readonly connection: Connection
  /** The login that "try again" starts. */
  readonly retry: LoginRequest
  /** The provider's own parameters of the response. */
  readonly callbackParams: Readonly<Record<string, string>>
}

/** What the user granted, and what the provider stated about the login. */
export interface LoginGrant {
  readonly tokens: TokenSet
  readonly scopes: readonly string[]
  /**
   * When the user authenticated at the provider, in milliseconds; `undefined` if the provider does
   * not state it.
   */
  readonly authTime: number | undefined
}

/**
 * Exchanges the code of an authorization response for tokens. (RFC 6749, 4.1.3; RFC 7636, 4.5;
 * OpenID Connect Core, 3.1.3) Throws if the user did not grant a scope that the login needs.
 */
export async function redeemCode(
  { req, now }: GateRequest,
  login: MatchedLogin,
  code: string,
): Promise<LoginGrant> {
  const { transaction, connection } = login
  const { provider, client } = connection
  const { redirectUri, nonce, codeVerifier, reauthenticates, startedAt } = transaction
  const tokens = await client.redeem({
    code,
    redirectUri,
    nonce,
    codeVerifier,
    address: clientAddress(req),
    requestedScopes: transaction.scopes,
    authenticatedSince: reauthenticates ? startedAt : undefined,
  })
  warnOfMissingRefreshToken(connection, transaction.scopes, tokens)
  const authTime = authTimeOf(tokens, provider, now)
  if (transaction.needsAuthTime && authTime === undefined)
    throw new OAuthError('misconfigured', {
      hint: `the ID token of ${provider.name} has no auth_time, which maxAge needs: set acceptSilentLogin: true`,
    })
  return { tokens, authTime, scopes: await grantedScopes(login, tokens) }
}

async function grantedScopes(login: MatchedLogin, tokens: TokenSet): Promise<readonly string[]> {
  const { transaction, connection, retry } = login
  const { provider, client } = connection
  const api = client.api({
    accessToken: tokens.accessToken,
    claims: {},
    hasFreshClaims: false,
    isLogin: true,
    scopes: [],
    subject: undefined,
    tokens: tokens.response,
  })
  const listed = tokens.scopes ?? (await fetchGrantedScopes(provider, api))
  // A response without scopes means that all requested ones were granted. (RFC 6749, 5.1)
  if (listed === undefined) return transaction.scopes
  const granted = allGranted(provider, withOfflineAccess(listed, login, tokens), transaction.scopes)
  const { requiredScopes } = provider
  const isRequired = requiresScopes(provider, tokens.response)
  const missing = missingScopes(provider, granted, [
    ...new Set([...(isRequired ? requiredScopes : []), ...transaction.demandedScopes]),
  ])
  if (missing.length > 0) {
    const error = new OAuthError('access_denied', {
      message: 'You did not grant everything that this application needs.',
      hint: `not granted: ${missing.join(' ')}. List scopes that a login does not need in optionalScopes`,
    })
    throw new Rejection(error, { retry: { ...retry, ask: 'scopes' }, provider: provider.name })
  }
  const unlisted = isRequired ? [] : missingScopes(provider, granted, requiredScopes)
  if (unlisted.length > 0)
    client.log.debug('the token response does not list all configured scopes', { unlisted })
  const declined = missingScopes(provider, granted, provider.optionalScopes)
  if (declined.length > 0)
    client.log.info('a login did not grant all optionalScopes', {
      hint: `not granted: ${declined.join(' ')}. If the app needs them, list them in scopes, or in requireAuth({ scopes }) for some routes`,
    })
  return granted
}

/**
 * Some servers issue a refresh token without listing the scope that requested it; Microsoft never
 * lists it.
 */
function withOfflineAccess(
  listed: readonly string[],
  { transaction }: MatchedLogin,
  { refreshToken }: TokenSet,
): readonly string[] {
  const scope = 'offline_access'
  const isGranted = refreshToken !== undefined && transaction.scopes.includes(scope)
  return isGranted && !listed.includes(scope) ? [...listed, scope] : listed
}

/**
 * `auth_time` of the ID token, in milliseconds. One in the future, such as that of a provider that
 * sends milliseconds, is ignored: `maxAge` would never expire it. (OpenID Connect Core, 2)
 */
function authTimeOf(
  { claims }: TokenSet,
  { clockTolerance }: Provider,
  now: number,
): number | undefined {
  const authTime = claims?.['auth_time']
  if (typeof authTime !== 'number') return undefined
  return authTime * 1000 <= now + clockTolerance * 1000 ? authTime * 1000 : undefined
}
