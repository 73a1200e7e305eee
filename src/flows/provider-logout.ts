import { OAuthError } from '../http/errors.js'
import { withTimeout } from '../http/timeout.js'
import type { ProviderClient } from '../oauth/client.js'

/** How long a logout waits for a provider that is down. */
const PROVIDER_TIMEOUT_MS = 2_000
/** Servers and proxies limit the length of URLs. An ID token with many groups can exceed it. */
const MAX_HINT_LENGTH = 2048

/** Parameters of the request to the provider. */
export interface ProviderLogout {
  readonly clientId: string
  /** Sent as a hint unless it is too long. */
  readonly idToken: string | undefined
  /** Throws if the request has no usable `Host`. */
  readonly returnUrl: () => string
}

/**
 * URL at which the provider ends its session and redirects back to the app; `undefined`, with a
 * warning, if it has none or is down. (RP-Initiated Logout 1.0, 2)
 */
export async function providerLogoutUrl(
  client: ProviderClient,
  { clientId, idToken = '', returnUrl }: ProviderLogout,
): Promise<string | undefined> {
  const isTooLong = idToken.length > MAX_HINT_LENGTH
  if (isTooLong) client.log.debug('the ID token is too long for id_token_hint')
  try {
    const url = await withTimeout(PROVIDER_TIMEOUT_MS, 'the provider', async () =>
      client.endSessionUrl({
        ...(idToken !== '' && !isTooLong && { id_token_hint: idToken }),
        client_id: clientId,
        post_logout_redirect_uri: returnUrl(),
      }),
    )
    if (url === undefined)
      client.log.warnOnce('logout.endProviderSession has no effect: no end_session_endpoint', {
        hint: 'the session at the provider stays, so the next login may need no password. If the provider has such an endpoint, set endpoints.endSession',
      })
    return url
  } catch (error) {
    client.log.warnOnce('the session at the provider was not ended', {
      hint: error instanceof OAuthError ? error.hint : 'the provider did not respond in time',
    })
    return undefined
  }
}
