import { identityFromClaims, asUserId } from '../oauth/claims.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import { isObject } from '../http/json.js'

/** Options of the provider `amazon`. */
export type AmazonOptions = ProviderOptions

/**
 * Login with Amazon.
 * https://developer.amazon.com/docs/login-with-amazon/authorization-code-grant.html
 */
export function amazonProvider(options: AmazonOptions = {}): ProviderSetup {
  return providerSetup(options, {}, define)
}

function define(): ProviderDefinition {
  return {
    displayName: 'Amazon',
    mark: 'amazon',
    openid: false,
    endpoints: {
      authorization: 'https://www.amazon.com/ap/oa',
      token: 'https://api.amazon.com/auth/o2/token',
      userinfo: 'https://api.amazon.com/user/profile',
    },
    // Amazon issues refresh tokens only to clients with a secret.
    clientAuth: 'post',
    supportsFormPost: false,
    scopes: ['profile'],
    // The profile endpoint responds to an expired token with status 400.
    outcomeOf: ({ status, body }) =>
      status === 400 && isObject(body) && body['error'] === 'invalid_token' ? 'ended' : undefined,
    identity: async ({ userinfo }) => {
      const profile = await userinfo()
      return {
        ...identityFromClaims({ ...profile, sub: asUserId(profile['user_id']) }),
        emailVerified: false,
        claims: profile,
      }
    },
    emailNeverVerified: 'Amazon does not report whether an email address is verified',
  }
}
