import { isAllowedUrl } from '../http/origin.js'
import { identityFromClaims, asStrings } from '../oauth/claims.js'
import type { Claims } from '../oauth/identity.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { ProviderOptions } from './provider-options.js'
import { type ProviderSetup, providerSetup } from './define-provider.js'
import type { OptionReader } from '../schema.js'

/** Options of {@link oidcProvider}. */
export interface OidcOptions extends ProviderOptions {
  /** The issuer identifier. Discovery starts at `<issuer>/.well-known/openid-configuration`, at the first login. */
  issuer: string
  /** Members of one of these groups, read from the claim `groupsClaim`, may pass. Compared exactly. */
  groups?: readonly string[] | undefined
  /** The claim that lists the user's groups. Default `'groups'`. */
  groupsClaim?: string | undefined
  /** Where your provider has other names for claims: `{ username: 'upn', emailVerified: 'mail_confirmed' }`. */
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

/** Any OpenID Connect provider: an issuer, a client id and a secret suffice. (OpenID Connect Discovery 1.0, 4) */
export function oidcProvider(options: OidcOptions): ProviderSetup {
  return providerSetup(options, ['issuer', 'groups', 'groupsClaim', 'claims'], define)
}

function define(options: OptionReader): ProviderDefinition {
  const issuer = options.url('issuer', isAllowedUrl)
  const groupsClaim = options.text('groupsClaim') ?? 'groups'
  if (issuer === undefined)
    return options.fail('issuer', 'is missing: set it to the issuer identifier of your provider')
  if (issuer.pathname.endsWith('/.well-known/openid-configuration'))
    options.fail('issuer', 'must be the issuer alone: leave out /.well-known/openid-configuration')
  const names =
    options.record('claims', (name, claim) =>
      Object.hasOwn(standardClaims, name) && claim !== ''
        ? undefined
        : `maps ${Object.keys(standardClaims).join(', ')} to names of claims, and nothing else`,
    ) ?? {}
  return {
    openid: true,
    // As given: `https://idp.example/x` and `https://idp.example/x/` are two issuers.
    issuer: String(options.value('issuer')),
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
  return { ...claims, ...Object.fromEntries(entries) }
}

function groupsOf(claims: Claims, claim: string, wanted: readonly string[]): string[] {
  const groups = new Set(asStrings(claims[claim]))
  return wanted.filter((group) => groups.has(group))
}
