import type { OfflineAccess, Provider } from '../access/provider.js'
import type { ProviderClient } from '../oauth/client.js'
import type { TokenSet } from '../oauth/token-request.js'
import type { Connection } from './connection.js'

/**
 * How a login requests a refresh token. By default, it does not if discovery lists scopes without
 * the one that requests it: some providers reject unknown scopes. (OpenID Connect Core, 11)
 */
export async function offlineRequest({
  provider: { offlineAccess },
  client,
}: {
  readonly provider: Provider
  readonly client: ProviderClient
}): Promise<OfflineAccess | undefined> {
  if (offlineAccess === undefined || offlineAccess.isExplicit) return offlineAccess
  if (offlineAccess.scopes.length === 0) return offlineAccess
  const { scopes: supported } = await client.supported()
  const isRuledOut =
    supported.length > 0 && offlineAccess.scopes.some((scope) => !supported.includes(scope))
  return isRuledOut ? undefined : offlineAccess
}

/**
 * Warns once if a login should have returned a refresh token. Without one, sessions end when the
 * access token expires.
 */
export function warnOfMissingRefreshToken(
  { provider, client }: Connection,
  requestedScopes: readonly string[],
  { refreshToken, expiresAt }: TokenSet,
): void {
  const { offlineAccess } = provider
  if (offlineAccess === undefined || refreshToken !== undefined) return
  const isRequested = offlineAccess.scopes.every((scope) => requestedScopes.includes(scope))
  // By default, a refresh token is only useful if the access token expires.
  if (!isRequested || (expiresAt === undefined && !offlineAccess.isExplicit)) return
  client.log.warnOnce(
    'the provider issued no refresh token: each session ends at the first check after its access token expires',
    { hint: refreshTokenFix(provider) },
  )
}

/** How to get refresh tokens from the provider, for the owner. */
export function refreshTokenFix({ offline, offlineAccess }: Provider): string {
  if (offline === undefined)
    return 'the options cannot request a refresh token from this provider: users sign in again'
  if (offlineAccess?.requestsConsent === true)
    return "offlineAccess is 'consent', so allow this client to use refresh tokens (the grant type refresh_token) at the provider, or set offlineAccess: false"
  const scopeHint =
    (offline.scopes ?? []).length === 0 && offline.params === undefined
      ? ', or add the scope that requests one to scopes'
      : ''
  return `set offlineAccess: 'consent', because many providers issue a refresh token only with prompt=consent (OpenID Connect Core, 11)${scopeHint}; or set offlineAccess: false if users should sign in again`
}
