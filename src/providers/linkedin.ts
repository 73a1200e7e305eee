import { identityFromClaims } from '../oauth/claims.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'

/** Options of the provider `linkedin`. */
export type LinkedinOptions = ProviderOptions

/**
 * LinkedIn.
 * https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
 */
export function linkedinProvider(options: LinkedinOptions = {}): ProviderSetup {
  return providerSetup(options, {}, define)
}

function define(): ProviderDefinition {
  return {
    displayName: 'LinkedIn',
    mark: 'linkedin',
    openid: true,
    issuer: 'https://www.linkedin.com/oauth',
    endpoints: {
      authorization: 'https://www.linkedin.com/oauth/v2/authorization',
      token: 'https://www.linkedin.com/oauth/v2/accessToken',
      userinfo: 'https://api.linkedin.com/v2/userinfo',
      jwks: 'https://www.linkedin.com/oauth/openid/jwks',
      revocation: 'https://www.linkedin.com/oauth/v2/revoke',
    },
    clientAuth: 'post',
    supportsFormPost: false,
    scopes: ['openid', 'profile', 'email'],
    // LinkedIn responds to a code verifier with invalid_client.
    pkce: false,
    returnsNonce: false,
    denialErrors: ['user_cancelled_login', 'user_cancelled_authorize'],
    identity: async ({ userinfo }) => identityFromClaims(await userinfo()),
  }
}
