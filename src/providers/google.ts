import { identityFromClaims } from '../oauth/claims.js'
import type { Identity } from '../oauth/identity.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import { isDomain } from '../access/email.js'
import type { Field, Values } from '../schema/field.js'
import { string } from '../schema/types.js'

/** Options of the provider `google`. */
export interface GoogleOptions extends ProviderOptions {
  /**
   * Only accounts of this Google Workspace domain may pass, in addition to the rules; `'*'`: of any
   * such domain. Default: no restriction.
   */
  hostedDomain?: string | undefined
}

/** Google. https://developers.google.com/identity/openid-connect/openid-connect */
export function googleProvider(options: GoogleOptions = {}): ProviderSetup {
  return providerSetup(options, fields, define)
}

const fields = {
  hostedDomain: string({
    max: 253,
    check: (domain) =>
      domain === '*' || isDomain(domain)
        ? undefined
        : "must be one domain in full, as in 'example.com', or '*' for any Google Workspace account",
    normalize: (domain) => domain.toLowerCase(),
  })
    .rejectUndefined()
    .describe('Google Workspace domain of the accounts that may pass.'),
} satisfies Record<keyof Omit<GoogleOptions, keyof ProviderOptions>, Field>

const userinfoScope = 'https://www.googleapis.com/auth/userinfo.'

function define({ hostedDomain }: Values<typeof fields>): ProviderDefinition {
  return {
    displayName: 'Google',
    mark: 'google',
    openid: true,
    issuer: 'https://accounts.google.com',
    endpoints: {
      authorization: 'https://accounts.google.com/o/oauth2/v2/auth',
      token: 'https://oauth2.googleapis.com/token',
      userinfo: 'https://openidconnect.googleapis.com/v1/userinfo',
      jwks: 'https://www.googleapis.com/oauth2/v3/certs',
      revocation: 'https://oauth2.googleapis.com/revoke',
    },
    // `iss` of Google's ID tokens may lack the scheme.
    acceptsIssuer: (issuer, _, discovered) =>
      issuer === discovered || issuer === discovered.replace(/^https?:\/\//, ''),
    clientAuth: 'post',
    scopes: ['openid', 'email', 'profile'],
    // Token responses contain the long names.
    impliedScopes: {
      [`${userinfoScope}email`]: ['email'],
      [`${userinfoScope}profile`]: ['profile'],
    },
    canonicalScope: (scope) =>
      scope.startsWith(userinfoScope)
        ? scope.slice(userinfoScope.length)
        : scope.replace(/\/$/, ''),
    reportsGrantedScopes: true,
    // Only preselects accounts; the claim `hd` is checked below.
    authorizationParams: hostedDomain === undefined ? {} : { hd: hostedDomain },
    // Google issues a refresh token only with a consent.
    offline: { params: { access_type: 'offline', prompt: 'consent' } },
    // Google has no parameter that requires the password again, and rejects prompt=login.
    reauthenticate: { prompt: 'select_account' },
    selectAccount: { prompt: 'select_account' },
    requestConsent: { prompt: 'consent' },
    identity: async ({ userinfo }) => identityFromClaims(await userinfo()),
    ...(hostedDomain !== undefined && { restriction: restrictionTo(hostedDomain) }),
  }
}

function restrictionTo(hostedDomain: string) {
  return ({ claims }: Identity) => {
    const domain = claims['hd']
    const isInside =
      typeof domain === 'string' &&
      domain !== '' &&
      (hostedDomain === '*' || domain.toLowerCase() === hostedDomain)
    return isInside ? undefined : 'the account does not belong to the Google Workspace domain'
  }
}
