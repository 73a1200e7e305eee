import { ruleFields } from '../access/rules.js'
import { claimAt, claimString, shapeOf } from '../oauth/claim-paths.js'
import { identityFromClaims } from '../oauth/claims.js'
import type { Claims } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import { printable } from '../schema/read-fields.js'
import { groupsIn } from './group-claims.js'
import { checkProviderUrl, type ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import type { Field, Values } from '../schema/field.js'
import { record, string, url } from '../schema/types.js'

/** Options of {@link oidcProvider}. */
export interface OidcOptions extends ProviderOptions {
  /**
   * The issuer identifier. Discovery starts at `<issuer>/.well-known/openid-configuration`, at the
   * first login.
   */
  issuer: string
  /**
   * Members of one of these groups, read from the claim `groupsClaim`, may pass. Compared exactly.
   */
  groups?: readonly string[] | undefined
  /**
   * The claim that lists the user's groups, or a path to it, as in `'realm_access.roles'`. Default
   * `'groups'`.
   */
  groupsClaim?: string | undefined
  /**
   * Claims to use instead of the standard ones, or paths to them: `{ username: 'upn', email:
   * 'contact.mail' }`. Default: none.
   */
  claims?: Readonly<Partial<Record<ClaimName, string>>> | undefined
}

const standardClaims = {
  id: 'sub',
  name: 'name',
  email: 'email',
  emailVerified: 'email_verified',
  username: 'preferred_username',
  picture: 'picture',
} as const

type Names = Readonly<Record<string, string>>
type ClaimName = keyof typeof standardClaims

/**
 * Any OpenID Connect provider, from its issuer. Endpoints and keys are discovered at the first
 * login (OpenID Connect Discovery 1.0, section 4).
 *
 * ```ts
 * oauthModule({
 *   provider: {
 *     keycloak: oidcProvider({
 *       issuer: 'https://id.acme.example/realms/staff',
 *       clientId,
 *       clientSecret,
 *       groups: ['engineering'],
 *     }),
 *   },
 * })
 * ```
 */
export function oidcProvider(options: OidcOptions): ProviderSetup {
  return providerSetup(options, fields, define)
}

const fields = {
  issuer: url((issuer) =>
    new URL(issuer).pathname.endsWith('/.well-known/openid-configuration')
      ? 'must be the issuer alone: leave out /.well-known/openid-configuration'
      : checkProviderUrl(issuer),
  ).required('is missing: set it to the issuer identifier of your provider'),
  groups: ruleFields.groups,
  groupsClaim: string().default('groups').describe('Claim that contains the groups.'),
  claims: record((name) =>
    Object.hasOwn(standardClaims, name)
      ? undefined
      : `maps ${Object.keys(standardClaims).join(', ')} to names of claims, and nothing else`,
  ).default({}),
} satisfies Record<keyof Omit<OidcOptions, keyof ProviderOptions>, Field>

function define({ issuer, groupsClaim, claims: names }: Values<typeof fields>): ProviderDefinition {
  return {
    openid: true,
    issuer,
    scopes: ['openid', 'profile', 'email'],
    offline: { scopes: ['offline_access'] },
    reauthenticate: { prompt: 'login', max_age: '0' },
    forcesLogin: true,
    returnsAuthTime: true,
    selectAccount: { prompt: 'select_account' },
    membershipLists: ['groups'],
    identity: async (api) => {
      const claims = await api.userinfo()
      return { ...identityFromClaims(renamed(claims, names, api)), claims }
    },
    memberships: async (api, wanted, { claims }) => {
      const groups = new Set(groupsIn(api, claims, groupsClaim))
      return { groups: wanted.groups?.filter((group) => groups.has(group)) ?? [] }
    },
  }
}

/** The claims under their standard names. */
function renamed(claims: Claims, names: Names, { warn }: ProviderApi): Claims {
  const entries = Object.entries(standardClaims).flatMap(([name, standard]) => {
    const path = names[name]
    if (path === undefined) return []
    const value = claimAt(claims, path)
    if (name === 'emailVerified') return [[standard, value]]
    if (value !== undefined && claimString(value) === undefined)
      warn(`the claim ${printable(path)} is ${shapeOf(value)}: claims.${name} needs a string`)
    return [[standard, claimString(value)]]
  })
  return { ...claims, ...(Object.fromEntries(entries) as Claims) }
}
