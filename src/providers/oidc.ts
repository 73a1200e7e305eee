import { ruleFields } from '../access/rules.js'
import { identityFromClaims, asStrings } from '../oauth/claims.js'
import type { Claims } from '../oauth/identity.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import { checkProviderUrl, type ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import type { Field, Values } from '../schema/field.js'
import { record, string, url } from '../schema/types.js'

/** Options of {@link oidcProvider}. */
export interface OidcOptions extends ProviderOptions {
  /** The issuer identifier. Discovery starts at `<issuer>/.well-known/openid-configuration`, at the first login. */
  issuer: string
  /** Members of one of these groups, read from the claim `groupsClaim`, may pass. Compared exactly. */
  groups?: readonly string[] | undefined
  /** The claim that lists the user's groups. Default `'groups'`. */
  groupsClaim?: string | undefined
  /** Claims to use instead of the standard ones: `{ username: 'upn', emailVerified: 'mail_confirmed' }`. Default: none. */
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

type ClaimName = keyof typeof standardClaims

/**
 * Any OpenID Connect provider, from its issuer. Endpoints and keys are discovered at the first login (OpenID Connect
 * Discovery 1.0, section 4).
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
    identity: async ({ userinfo }) => {
      const claims = await userinfo()
      return { ...identityFromClaims(renamed(claims, names)), claims }
    },
    memberships: async (_, wanted, { claims }) => ({
      groups: groupsOf(claims, groupsClaim, wanted.groups ?? []),
    }),
  }
}

/** The claims under their standard names. */
function renamed(claims: Claims, names: Readonly<Record<string, string>>): Claims {
  const entries = Object.entries(standardClaims).flatMap(([name, standard]) =>
    names[name] === undefined ? [] : [[standard, claims[names[name]]]],
  )
  return { ...claims, ...(Object.fromEntries(entries) as Claims) }
}

function groupsOf(claims: Claims, claim: string, wanted: readonly string[]): string[] {
  const groups = new Set(asStrings(claims[claim]))
  return wanted.filter((group) => groups.has(group))
}
