import { ruleFields, type RuleSetWith } from '../access/rules.js'
import { ProviderError } from '../http/errors.js'
import { claimAt, claimString, shapeOf } from '../oauth/claim-paths.js'
import { DISCOVERY_PATH } from '../oauth/discovery.js'
import { ENDPOINTS_FIX, sharedMicrosoftTenant } from '../oauth/issuer-hints.js'
import { asStrings, identityFromClaims } from '../oauth/claims.js'
import type { Claims } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import { printable } from '../schema/suggestions.js'
import { wantedGroupsIn } from './group-claims.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import type { Field, Values } from '../schema/field.js'
import { record, string, url } from '../schema/types.js'

/** Options of {@link oidcProvider}. */
export interface OidcOptions extends ProviderOptions {
  /** Rule sets, each of which must be met; within one set, the lists are alternatives. */
  allOf?: readonly RuleSetWith<'groups'>[] | undefined
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
  issuer: url(checkIssuer)
    .required('is missing: set it to the issuer identifier of your provider')
    .describe('The issuer identifier, from which discovery starts.'),
  groups: ruleFields.groups,
  groupsClaim: string().default('groups').describe('Claim that contains the groups.'),
  claims: record((name) =>
    Object.hasOwn(standardClaims, name)
      ? undefined
      : `maps ${Object.keys(standardClaims).join(', ')} to names of claims, and nothing else`,
  )
    .default({})
    .describe('Claims to use instead of the standard ones.'),
} satisfies Record<keyof Omit<OidcOptions, keyof ProviderOptions>, Field>

function checkIssuer(issuer: string): string | undefined {
  const { pathname, search } = new URL(issuer)
  if (pathname.endsWith(DISCOVERY_PATH))
    return `must be the issuer alone: leave out ${DISCOVERY_PATH}`
  // OpenID Connect Discovery 1.0, 3
  if (search !== '')
    return `must have no query: set it to the issuer in the discovery document, and ${ENDPOINTS_FIX}`
  const tenant = sharedMicrosoftTenant(issuer)
  return tenant === undefined
    ? undefined
    : `is shared by many tenants, and ID tokens name the tenant of the user: use the provider microsoft with tenant: '${tenant}', or set it to the issuer of your tenant`
}

function define({ issuer, groupsClaim, claims: names }: Values<typeof fields>): ProviderDefinition {
  return {
    openid: true,
    issuer,
    scopes: ['openid', 'profile', 'email'],
    offline: { scopes: ['offline_access'] },
    // Strict providers reject any other value.
    promptValues: ['none', 'login', 'consent'],
    reauthenticate: { prompt: 'login', max_age: '0' },
    forcesLogin: true,
    returnsAuthTime: true,
    selectAccount: { prompt: 'select_account' },
    membershipLists: ['groups'],
    identity: async (api) => {
      const claims = await api.userinfo()
      const { id } = names
      // A check whose userinfo lacks it requests a new ID token; a session without it ends.
      if (id !== undefined && claimString(claimAt(claims, id)) === undefined)
        throw new ProviderError('ended', 'provider_error', {
          hint: `no claim ${printable(id)} in the claims of a user, which claims.id needs`,
        })
      warnOfEmails(claims, names, api)
      return { ...identityFromClaims(renamed(claims, names, api)), claims }
    },
    memberships: async (api, wanted, { claims }) => ({
      groups: wantedGroupsIn(api, claims, groupsClaim, wanted),
    }),
  }
}

/** Azure AD B2C returns the email addresses of a user as an array. */
function warnOfEmails({ email, emails }: Claims, names: Names, { warn }: ProviderApi): void {
  if (email === undefined && names['email'] === undefined && asStrings(emails).length > 0)
    warn(
      "the claims contain the array emails and no email: set claims: { email: 'emails.0' } to use its first entry",
    )
}

/** The claims under their standard names. */
function renamed(claims: Claims, names: Names, { warn }: ProviderApi): Claims {
  const entries = Object.entries(standardClaims).flatMap(([name, standard]) => {
    const path = names[name]
    if (path === undefined) return []
    const value = claimAt(claims, path)
    const first = Array.isArray(value) ? `; ${printable(`${path}.0`)} is the first entry` : ''
    if (name === 'emailVerified') return [[standard, value]]
    if (value !== undefined && claimString(value) === undefined)
      warn(
        `the claim ${printable(path)} is ${shapeOf(value)}: claims.${name} needs a string${first}`,
      )
    return [[standard, claimString(value)]]
  })
  return { ...claims, ...(Object.fromEntries(entries) as Claims) }
}
