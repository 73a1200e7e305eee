import { allOfField, type RuleFields, ruleFields, ruleLists, type Rules } from '../access/rules.js'
import { type ProviderDefinition, vendorMarks } from '../oauth/definition.js'
import type { Field, Fields, Mistakes, Values } from '../schema/field.js'
import { isPlainObject, readFields } from '../schema/read-fields.js'
import type { OtherOptions } from '../schema/suggestions.js'
import { boolean, custom, func, integer, oneOf, string } from '../schema/types.js'
import { checkTransport, commonFields, type CommonValues } from './common-fields.js'
import type { ProviderOptions } from './provider-options.js'

/**
 * Return value of `oidcProvider()`, `githubProvider()` and the other factories: a value for the
 * option `provider`.
 */
export interface ProviderSetup {
  /** The options, not parsed yet. A missing `clientId` differs from one that is `undefined`. */
  readonly options: Readonly<object>
  /** The argument of the factory, including hooks. Changes of it may change who may pass. */
  readonly source: Readonly<object>
  /**
   * The fields of all its options.
   *
   * @internal
   */
  readonly fields: Fields
  /** Parses the options. `definition` is `undefined` if mistakes prevent it. */
  parse(mistakes: Mistakes, elsewhere?: OtherOptions): ParsedSetup
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
  const table = { ...commonFields, ...fields, allOf: allOfField(ruleFieldsIn(fields)) }
  const parse = (mistakes: Mistakes, elsewhere?: OtherOptions): ParsedSetup => {
    const parsed = readFields(table, options, mistakes, elsewhere)
    const values = parsed as CommonValues & Rules & Values<F>
    checkTransport(table, values, values.insecureHttp, mistakes)
    const isComplete = !mistakes.has(...Object.keys(fields))
    return { values, definition: isComplete ? define(values, mistakes) : undefined }
  }
  return Object.freeze({ options, source, fields: table, parse, [setupMark]: true })
}

/** The rule lists of a provider: those of every provider, and those among its own fields. */
function ruleFieldsIn(fields: Partial<RuleFields>): Partial<RuleFields> {
  const all: Partial<RuleFields> = { ...commonFields, ...fields }
  const names = ruleLists.filter((list) => all[list] !== undefined)
  return Object.fromEntries(names.map((list) => [list, all[list]]))
}

/** Hooks that are objects or functions: their own types are those of {@link ProviderDefinition}. */
const anything = custom((value) => value)
const stringList = custom((value, mistakes) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')
    ? value
    : mistakes.add("must be an array of non-empty strings, as in ['…']"),
)
const hook = func()

/** The members of a definition that are not options of every provider. */
const hookFields = {
  mark: oneOf(vendorMarks),
  color: string(),
  issuer: string(),
  configurableEndpoints: stringList,
  discoveryIssuer: hook,
  needsDiscovery: boolean(),
  acceptsDiscovery: hook,
  acceptsIssuer: hook,
  acceptsKey: hook,
  openid: boolean().required('is missing: true if the provider supports OpenID Connect'),
  scopeSeparator: anything,
  connectionScopeSeparator: anything,
  impliedScopes: anything,
  canonicalScope: hook,
  reportsGrantedScopes: anything,
  pkce: boolean(),
  returnsNonce: boolean(),
  supportsFormPost: boolean(),
  offline: anything,
  promptValues: stringList,
  reauthenticate: anything,
  forcesLogin: boolean(),
  returnsAuthTime: boolean(),
  selectAccount: anything,
  requestConsent: anything,
  hasCallbackFragment: boolean(),
  denialErrors: stringList,
  normalizeTokens: hook,
  readError: hook,
  outcomeOf: hook,
  warningOf: hook,
  grantedScopes: hook,
  identity: hook,
  hasGithubHeaders: boolean(),
  membershipLists: stringList,
  membershipScopes: stringList,
  memberships: hook,
  restriction: hook.rejectUndefined(),
  maxStateLength: integer(),
  rulesKey: string(),
  emailNeverVerified: string(),
  emailClaimDecides: boolean(),
  refreshParams: hook,
  validate: hook,
  revoke: hook,
  upgradeToken: anything,
} satisfies Record<Exclude<keyof ProviderDefinition, keyof ProviderOptions>, Field>

const scopesField = stringList.required('is missing: an array, which may be empty')

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
  if (!isPlainObject(definition))
    throw new TypeError('defineProvider() requires an object: the definition of a provider')
  const { scopes, ...rest } = definition
  const entries = Object.entries(rest)
  const isHook = ([name]: readonly [string, unknown]) => Object.hasOwn(hookFields, name)
  const hooks = Object.fromEntries(entries.filter(isHook))
  const membershipLists = [definition.membershipLists ?? []]
    .flat()
    .filter((list) => Object.hasOwn(ruleFields, list))
  return providerSetup(
    Object.fromEntries(entries.filter((entry) => !isHook(entry))),
    Object.fromEntries(membershipLists.map((list) => [list, ruleFields[list]])),
    (_, mistakes) => {
      readFields({ ...hookFields, scopes: scopesField }, { ...hooks, scopes }, mistakes)
      if (mistakes.has('scopes', ...Object.keys(hookFields))) return undefined
      return { openid: false, ...hooks, scopes }
    },
    definition,
  )
}
