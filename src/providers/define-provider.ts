import { type RuleFields, ruleFields, type Rules } from '../access/rules.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { Fields, Mistakes, Values } from '../schema/field.js'
import { readFields } from '../schema/read-fields.js'
import { commonFields, type CommonValues, type ProviderOptions } from './provider-options.js'

/**
 * Return value of `oidcProvider()`, `githubProvider()` and the other factories: a value for the
 * option `provider`.
 */
export interface ProviderSetup {
  /** The options, not parsed yet. A missing `clientId` differs from one that is `undefined`. */
  readonly options: Readonly<object>
  /** The argument of the factory, including hooks. Changes of it may change who may pass. */
  readonly source: Readonly<object>
  /** Parses the options. `definition` is `undefined` if mistakes prevent it. */
  parse(mistakes: Mistakes): ParsedSetup
}

interface ParsedSetup {
  readonly values: CommonValues & Rules
  readonly definition: ProviderDefinition | undefined
}

/** Marks the return values of the factories; the same mark in the ESM and the CommonJS build. */
const setupMark = Symbol.for('oauth-module provider source')

/** Whether the value was returned by a factory of this package, or of another copy of it. */
export function isProviderSetup(value: unknown): value is ProviderSetup {
  return typeof value === 'object' && value !== null && setupMark in value
}

/**
 * Creates the return value of a factory. `fields` are the vendor's own options; `define` gets their
 * parsed values.
 */
export function providerSetup<F extends Fields & Partial<RuleFields>>(
  options: object,
  fields: F,
  define: (values: Values<F>, mistakes: Mistakes) => ProviderDefinition | undefined,
  source: object = options,
): ProviderSetup {
  const table = { ...commonFields, ...fields }
  const parse = (mistakes: Mistakes): ParsedSetup => {
    const values = readFields(table, options, mistakes) as CommonValues & Rules & Values<F>
    const isComplete = !mistakes.has(...Object.keys(fields))
    return { values, definition: isComplete ? define(values, mistakes) : undefined }
  }
  return Object.freeze({ options, source, parse, [setupMark]: true })
}

/** The members of a definition that are not options of every provider. */
const hooks = {
  color: true,
  issuer: true,
  configurableEndpoints: true,
  discoveryIssuer: true,
  needsDiscovery: true,
  acceptsDiscovery: true,
  acceptsIssuer: true,
  acceptsKey: true,
  openid: true,
  scopeSeparator: true,
  connectionScopeSeparator: true,
  impliedScopes: true,
  canonicalScope: true,
  reportsGrantedScopes: true,
  pkce: true,
  returnsNonce: true,
  offline: true,
  reauthenticate: true,
  forcesLogin: true,
  returnsAuthTime: true,
  selectAccount: true,
  requestConsent: true,
  hasCallbackFragment: true,
  denialErrors: true,
  normalizeTokens: true,
  readError: true,
  outcomeOf: true,
  warningOf: true,
  grantedScopes: true,
  identity: true,
  membershipLists: true,
  membershipScopes: true,
  memberships: true,
  restriction: true,
  rulesKey: true,
  emailNeverVerified: true,
  emailClaimDecides: true,
  refreshParams: true,
  validate: true,
  revoke: true,
  upgradeToken: true,
} satisfies Record<Exclude<keyof ProviderDefinition, keyof ProviderOptions>, true>

/**
 * Defines a provider as data: the options of every provider and the hooks of {@link
 * ProviderDefinition}. Only its `scopes` are requested. Mistakes are reported by `oauthModule()`.
 *
 * ```ts
 * const discord = defineProvider({
 *   clientId,
 *   clientSecret,
 *   openid: false,
 *   scopes: ['identify', 'email'],
 *   endpoints: {
 *     authorization: 'https://discord.com/oauth2/authorize',
 *     token: 'https://discord.com/api/oauth2/token',
 *     userinfo: 'https://discord.com/api/users/@me',
 *   },
 *   async identity({ userinfo }) {
 *     const claims = await userinfo()
 *     const { id, username } = claims
 *     return { id: String(id), username: String(username), emailVerified: false, claims }
 *   },
 * })
 * oauthModule({ provider: { discord } })
 * ```
 */
export function defineProvider(definition: ProviderDefinition & ProviderOptions): ProviderSetup {
  const { scopes, ...rest } = definition
  const entries = Object.entries(rest)
  const membershipLists = (definition.membershipLists ?? []).filter((list) =>
    Object.hasOwn(ruleFields, list),
  )
  const isHook = ([name]: readonly [string, unknown]) => Object.hasOwn(hooks, name)
  return providerSetup(
    Object.fromEntries(entries.filter((entry) => !isHook(entry))),
    Object.fromEntries(membershipLists.map((list) => [list, ruleFields[list]])),
    () => ({ openid: false, ...Object.fromEntries(entries.filter(isHook)), scopes }),
    definition,
  )
}
