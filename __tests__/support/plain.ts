import { defineProvider } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'

/**
 * The `oauth2` vendor as a provider option: plain OAuth 2.0, with its profile in `user_id`, or
 * `sub`.
 */
export function plainOf(vendor: VendorServer, more: Record<string, unknown> = {}) {
  const { authorizationUrl, tokenUrl, userinfoUrl } = vendor.options as Record<string, string>
  return defineProvider({
    openid: false,
    scopes: ['profile'],
    clientId: vendor.clientId,
    clientSecret: vendor.clientSecret,
    endpoints: {
      authorization: String(authorizationUrl),
      token: String(tokenUrl),
      userinfo: String(userinfoUrl),
    },
    identity: async ({ userinfo }) => {
      const profile = await userinfo()
      const text = (value: unknown) =>
        typeof value === 'string' && value !== '' ? value : undefined
      return {
        id: String(profile['user_id'] ?? profile['sub']),
        name: text(profile['name']),
        email: text(profile['email']),
        emailVerified: profile['email_verified'] === true || profile['email_verified'] === 'true',
        claims: profile,
      }
    },
    ...more,
  })
}
