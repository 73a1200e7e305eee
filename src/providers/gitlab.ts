import { isAllowedUrl } from '../http/origin.js'
import { identityFromClaims, asStrings } from '../oauth/claims.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import type { OptionReader } from '../schema.js'

/** Options of the provider `gitlab`. */
export interface GitlabOptions extends ProviderOptions {
  /** Members of one of these groups may pass, inherited membership included: full paths, as in `'acme/platform'`. */
  groups?: readonly string[] | undefined
  /** Of a self-managed GitLab, with its path if it has one. Default: `https://gitlab.com`. */
  baseUrl?: string | undefined
}

/** GitLab, gitlab.com or self-managed. https://docs.gitlab.com/integration/openid_connect_provider/ */
export function gitlabProvider(options: GitlabOptions = {}): ProviderSetup {
  return providerSetup(options, ['groups', 'baseUrl'], define)
}

function define(options: OptionReader): ProviderDefinition {
  const base =
    options.url('baseUrl', isAllowedUrl)?.href.replace(/\/+$/, '') ?? 'https://gitlab.com'
  return {
    displayName: 'GitLab',
    color: '#fc6d26',
    openid: true,
    issuer: base,
    endpoints: {
      authorization: `${base}/oauth/authorize`,
      token: `${base}/oauth/token`,
      userinfo: `${base}/oauth/userinfo`,
      jwks: `${base}/oauth/discovery/keys`,
      revocation: `${base}/oauth/revoke`,
    },
    clientAuth: 'post',
    scopes: ['openid', 'profile', 'email'],
    reauthenticate: { prompt: 'login', max_age: '0' },
    forcesLogin: true,
    returnsAuthTime: true,
    // GitLab has no account chooser.
    selectAccount: { prompt: 'login' },
    // A refresh without it is refused.
    refreshParams: (redirectUri) => ({ redirect_uri: redirectUri }),
    identity: async ({ userinfo }) => identityFromClaims(await userinfo()),
    membershipLists: ['groups'],
    // Userinfo lists every group; the ID token only those without the inherited ones, under another name.
    memberships: async (_, { groups = [] }, { claims }) => {
      const paths = new Set(asStrings(claims['groups']).map((path) => path.toLowerCase()))
      return { groups: groups.filter((group) => paths.has(group.toLowerCase())) }
    },
  }
}
