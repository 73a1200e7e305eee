import { ProviderError } from '../http/errors.js'
import { requestTokens, type TokenRequest, type TokenSet } from './token-request.js'

/** The authorization code of a callback, and what its tokens must match. */
export interface Redemption {
  code: string
  redirectUri: string
  nonce: string
  codeVerifier: string
  /** The address of the client, if it is known. */
  address: string | undefined
  requestedScopes: readonly string[]
  /** Rejects an earlier `auth_time`, if there is one. Milliseconds. */
  authenticatedSince: number | undefined
}

/**
 * Exchanges an authorization code for tokens. Counts codes that the provider rejects. (RFC 6749,
 * 4.1.3)
 */
export async function redeemCode(
  request: Pick<TokenRequest, 'config' | 'server' | 'fetch' | 'deadline'>,
  redemption: Redemption,
): Promise<TokenSet> {
  const { nonce, codeVerifier, requestedScopes, authenticatedSince, address } = redemption
  const { pkce, returnsNonce } = request.config
  const callback = new URL(redemption.redirectUri)
  callback.searchParams.set('code', redemption.code)
  const checks = pkce === false ? {} : { pkceCodeVerifier: codeVerifier }
  try {
    return await requestTokens({
      ...request,
      address,
      send: (oidc, configuration) => oidc.authorizationCodeGrant(configuration, callback, checks),
      expected: { nonce, requiresNonce: returnsNonce !== false, authenticatedSince },
      requestedScopes,
    })
  } catch (error) {
    if (isRejectedCode(error)) request.fetch.countFailedLogin(address)
    throw error
  }
}

/** Whether the provider responded, and the cause is neither its load nor our configuration. */
function isRejectedCode(error: unknown): boolean {
  return error instanceof ProviderError && ['ended', 'denied', 'unusable'].includes(error.outcome)
}
