import { identityFromClaims, asString } from '../oauth/claims.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import { isObject } from '../http/json.js'

/** Options of the provider `twitch`. */
export type TwitchOptions = ProviderOptions

/** Twitch. https://dev.twitch.tv/docs/authentication/getting-tokens-oidc */
export function twitchProvider(options: TwitchOptions = {}): ProviderSetup {
  return providerSetup(options, {}, define)
}

/** Twitch returns only requested claims. (OpenID Connect Core, 5.5) */
const requestedClaims = {
  email: null,
  email_verified: null,
  picture: null,
  preferred_username: null,
}

function define(): ProviderDefinition {
  return {
    displayName: 'Twitch',
    mark: 'twitch',
    openid: true,
    issuer: 'https://id.twitch.tv/oauth2',
    endpoints: {
      authorization: 'https://id.twitch.tv/oauth2/authorize',
      token: 'https://id.twitch.tv/oauth2/token',
      userinfo: 'https://id.twitch.tv/oauth2/userinfo',
      jwks: 'https://id.twitch.tv/oauth2/keys',
      revocation: 'https://id.twitch.tv/oauth2/revoke',
      api: 'https://id.twitch.tv/oauth2',
    },
    clientAuth: 'post',
    supportsFormPost: false,
    scopes: ['openid', 'user:read:email'],
    reportsGrantedScopes: true,
    // Twitch does not document PKCE.
    pkce: false,
    authorizationParams: {
      claims: JSON.stringify({ id_token: requestedClaims, userinfo: requestedClaims }),
    },
    // Requests consent again. Twitch has no parameter that requires the password again.
    reauthenticate: { force_verify: 'true' },
    selectAccount: { force_verify: 'true' },
    requestConsent: { force_verify: 'true' },
    readError,
    // Twitch requires an hourly validation.
    // https://dev.twitch.tv/docs/authentication/validate-tokens
    validate: async ({ api, accessToken }) => {
      await api('/validate', { headers: { authorization: `OAuth ${accessToken}` } })
    },
    identity: async ({ userinfo }) => {
      const claims = await userinfo()
      return {
        ...identityFromClaims(claims),
        name: asString(claims['name']) ?? asString(claims['preferred_username']),
      }
    },
  }
}

/** `{ status, message }`, without `error`. */
function readError(body: unknown) {
  const message =
    isObject(body) && body['error'] === undefined ? asString(body['message']) : undefined
  if (message === undefined) return undefined
  if (/^invalid (?:authorization code|refresh token)/i.test(message))
    return { code: 'invalid_grant', message }
  if (/client secret|client does not exist|invalid client/i.test(message))
    return { code: 'invalid_client', message }
  return { code: /redirect_uri/.test(message) ? 'redirect_uri_mismatch' : message, message }
}
