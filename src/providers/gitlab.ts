import { ruleFields, type RuleSetWith } from '../access/rules.js'
import { withoutFinalSlashes } from '../http/paths.js'
import { identityFromClaims } from '../oauth/claims.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import { wantedGroupsIn } from './group-claims.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import type { Field, Values } from '../schema/field.js'
import { url } from '../schema/types.js'

/** Options of the provider `gitlab`. */
export interface GitlabOptions extends ProviderOptions {
  /** Rule sets, each of which must be met; within one set, the lists are alternatives. */
  allOf?: readonly RuleSetWith<'groups'>[] | undefined
  /**
   * Members of one of these groups may pass, inherited members included: full paths, as in
   * `'acme/platform'`.
   */
  groups?: readonly string[] | undefined
  /**
   * URL of a self-managed GitLab, including its path if it has one. Default: `https://gitlab.com`.
   */
  baseUrl?: string | undefined
}

/**
 * GitLab, gitlab.com or self-managed. https://docs.gitlab.com/integration/openid_connect_provider/
 */
export function gitlabProvider(options: GitlabOptions = {}): ProviderSetup {
  return providerSetup(options, fields, define)
}

const fields = {
  groups: ruleFields.groups,
  baseUrl: url().describe('URL of a self-managed GitLab.'),
} satisfies Record<keyof Omit<GitlabOptions, keyof ProviderOptions>, Field>

function define({ baseUrl = 'https://gitlab.com' }: Values<typeof fields>): ProviderDefinition {
  const base = withoutFinalSlashes(new URL(baseUrl).href)
  return {
    displayName: 'GitLab',
    mark: 'gitlab',
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
    // https://docs.gitlab.com/integration/oauth_provider/#view-all-authorized-applications
    impliedScopes: { api: ['read_api'], read_api: ['read_user'] },
    reportsGrantedScopes: true,
    reauthenticate: { prompt: 'login', max_age: '0' },
    forcesLogin: true,
    returnsAuthTime: true,
    // GitLab has no account chooser.
    selectAccount: { prompt: 'login' },
    // GitLab rejects a refresh without the redirect URI.
    refreshParams: (redirectUri) => ({ redirect_uri: redirectUri }),
    identity: async ({ userinfo }) => identityFromClaims(await userinfo()),
    membershipLists: ['groups'],
    // Userinfo contains all groups, the ID token only direct ones, in another claim.
    memberships: async (api, wanted, { claims }) => ({
      groups: wantedGroupsIn(api, claims, 'groups', wanted, (path) => path.toLowerCase()),
    }),
  }
}
