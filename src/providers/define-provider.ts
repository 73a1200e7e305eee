import type { ProviderDefinition } from '../oauth/definition.js'
import { type OptionReader, readOptions } from '../schema.js'
import type { ProviderOptions } from './provider-options.js'

/** What `oidcProvider()`, `githubProvider()` and their siblings return: a value for the `provider` option. */
export interface ProviderSetup {
  readonly options: Readonly<object>
  /** All that the factory was given: whatever is in it may decide who passes. */
  readonly given: Readonly<object>
  /** Names of the options beyond {@link ProviderOptions}. */
  readonly extraOptions: readonly string[]
  define(options: OptionReader): ProviderDefinition
}

/** Marks what the factories made; the same mark in the ESM and the CommonJS build. */
const made = Symbol.for('oauth-module provider source')

export function isProviderSetup(value: unknown): value is ProviderSetup {
  return typeof value === 'object' && value !== null && made in value
}

/** For the vendors' files: a provider whose definition follows from its options. */
export function providerSetup(
  options: object,
  extraOptions: readonly string[],
  define: (options: OptionReader) => ProviderDefinition,
  given: object = options,
): ProviderSetup {
  return Object.freeze({ options, given, extraOptions, define, [made]: true })
}

const definitionHooks: readonly (keyof ProviderDefinition)[] = [
  'color',
  'issuer',
  'configurableEndpoints',
  'discoveryIssuer',
  'needsDiscovery',
  'acceptsDiscovery',
  'acceptsIssuer',
  'acceptsKey',
  'openid',
  'scopeSeparator',
  'connectionScopeSeparator',
  'impliedScopes',
  'pkce',
  'returnsNonce',
  'offline',
  'reauthenticate',
  'forcesLogin',
  'returnsAuthTime',
  'selectAccount',
  'requestConsent',
  'hasCallbackFragment',
  'denialErrors',
  'normalizeTokens',
  'readError',
  'outcomeOf',
  'grantedScopes',
  'identity',
  'membershipLists',
  'membershipScopes',
  'memberships',
  'restriction',
  'rulesKey',
  'emailNeverVerified',
  'emailClaimDecides',
  'refreshParams',
  'validate',
  'revoke',
  'upgradeToken',
]

/**
 * A provider of one's own, as data: the options of every provider and the hooks of {@link ProviderDefinition}.
 * Its `scopes` are all that is requested.
 */
export function defineProvider(definition: ProviderDefinition & ProviderOptions): ProviderSetup {
  const { scopes, ...rest } = definition
  readOptions(rest, 'defineProvider()')
  const hooks = Object.fromEntries(
    definitionHooks
      .filter((hook) => hook in rest)
      .map((hook) => [hook, rest[hook as keyof typeof rest]]),
  )
  const options = Object.fromEntries(
    Object.entries(rest).filter(
      ([name]) => !definitionHooks.includes(name as keyof ProviderDefinition),
    ),
  )
  return providerSetup(
    { ...options },
    [...(definition.membershipLists ?? [])],
    () => ({ openid: false, ...hooks, scopes }),
    definition,
  )
}
