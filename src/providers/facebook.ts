import { createHmac } from 'node:crypto'
import type { ProviderOutcome } from '../http/errors.js'
import { identityFromClaims, asUserId, asString } from '../oauth/claims.js'
import type { Identity } from '../oauth/identity.js'
import type { ApiResponse, ProviderApi } from '../oauth/provider-api.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import { isObject } from '../http/json.js'

/** Options of the provider `facebook`. */
export type FacebookOptions = ProviderOptions

/** Facebook. https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow */
export function facebookProvider(options: FacebookOptions = {}): ProviderSetup {
  return providerSetup(options, {}, define)
}

function define(): ProviderDefinition {
  const graph = 'https://graph.facebook.com/v25.0'
  return {
    displayName: 'Facebook',
    mark: 'facebook',
    openid: false,
    endpoints: {
      authorization: 'https://www.facebook.com/v25.0/dialog/oauth',
      token: `${graph}/oauth/access_token`,
      userinfo: `${graph}/me`,
      api: graph,
    },
    clientAuth: 'post',
    supportsFormPost: false,
    scopes: ['public_profile', 'email'],
    scopeSeparator: ',',
    pkce: false,
    reauthenticate: { auth_type: 'reauthenticate' },
    selectAccount: { auth_type: 'reauthenticate' },
    requestConsent: { auth_type: 'rerequest' },
    denialErrors: ['user_denied'],
    // The redirect to the callback ends with `#_=_`.
    hasCallbackFragment: true,
    // The token of a code expires after hours, and there is no refresh token.
    upgradeToken: {
      grant: 'fb_exchange_token',
      params: (accessToken) => ({ fb_exchange_token: accessToken }),
    },
    readError,
    outcomeOf,
    identity,
    grantedScopes,
    reportsGrantedScopes: true,
    emailNeverVerified: 'Facebook does not report whether an email address is verified',
    revoke: async (api) => {
      await api.apiResponse(`/me/permissions?${new URLSearchParams(proof(api))}`, [400], {
        method: 'DELETE',
      })
    },
  }
}

/**
 * Proves that the client has the secret.
 * https://developers.facebook.com/docs/facebook-login/security
 */
function proof({ accessToken, client }: ProviderApi): Record<string, string> {
  return {
    appsecret_proof: createHmac('sha256', client.secret ?? '')
      .update(accessToken)
      .digest('hex'),
  }
}

async function identity(api: ProviderApi): Promise<Identity> {
  const profile = await api.userinfo({ fields: 'id,name,email,picture', ...proof(api) })
  const { data } = isObject(profile['picture']) ? profile['picture'] : {}
  const picture = isObject(data) ? asString(data['url']) : undefined
  return {
    ...identityFromClaims({ ...profile, sub: asUserId(profile['id']) }),
    emailVerified: false,
    picture,
    claims: profile,
  }
}

/** The token response does not contain the permissions that the user declined. */
async function grantedScopes(api: ProviderApi): Promise<readonly string[]> {
  const response = await api.api(`/me/permissions?${new URLSearchParams(proof(api))}`)
  const permissions: unknown[] =
    isObject(response) && Array.isArray(response['data']) ? response['data'] : []
  return permissions
    .filter(isObject)
    .flatMap(({ permission, status }) => (status === 'granted' ? (asString(permission) ?? []) : []))
}

/** https://developers.facebook.com/docs/graph-api/guides/error-handling */
function errorOf(
  body: unknown,
): { code: unknown; subcode: unknown; message: string | undefined } | undefined {
  const error = isObject(body) ? body['error'] : undefined
  return isObject(error)
    ? { code: error['code'], subcode: error['error_subcode'], message: asString(error['message']) }
    : undefined
}

function readError(body: unknown) {
  const error = errorOf(body)
  if (error === undefined) return undefined
  const { code, subcode, message } = error
  if (code === 101 || (code === 1 && /client secret/i.test(message ?? '')))
    return { code: 'invalid_client', message }
  if (subcode === 36_007 || subcode === 36_009) return { code: 'invalid_grant', message }
  if (subcode === 36_008) return { code: 'redirect_uri_mismatch', message }
  return { code: String(code), message }
}

function outcomeOf({ body }: ApiResponse): ProviderOutcome | undefined {
  const code = errorOf(body)?.code
  if (typeof code !== 'number') return undefined
  if (code === 190 || code === 102) return 'ended'
  if ([4, 17, 32, 341, 613].includes(code)) return 'throttled'
  // Temporary errors, also with status 403, which usually means a withdrawn permission.
  if (code === 1 || code === 2) return 'down'
  return code === 10 || (code >= 200 && code < 300) ? 'denied' : undefined
}
