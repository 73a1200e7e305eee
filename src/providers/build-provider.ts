import { mistakesOfSet, type Provider } from '../access/provider.js'
import { emailLists, namesList, type Rules, ruleSets, rulesOf } from '../access/rules.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import { membershipLists } from '../oauth/identity.js'
import type { Mistakes } from '../schema/field.js'
import type { OtherOptions } from '../schema/suggestions.js'
import type { ProviderSetup } from './define-provider.js'
import { checkSigningAlgorithms } from './signing-algorithms.js'
import { resolveOfflineAccess } from './offline-access.js'
import type { CommonValues } from './common-fields.js'
import { isManagedClient, resolveClient } from './resolve-client.js'
import { resolveEndpoints } from './resolve-endpoints.js'

/** Settings that apply to all providers. */
export interface ProviderDefaults {
  readonly env: Readonly<Record<string, string | undefined>>
  /** For a whole exchange with the provider, in milliseconds. */
  readonly timeoutMs: number
  /** In milliseconds. */
  readonly clockToleranceMs: number
  /** The options of `oauthModule()`, which may be at the wrong place. */
  readonly moduleOptions?: OtherOptions
  /** Default of the option `offlineAccess`. */
  readonly offlineAccess: boolean
  /** Whether memberships are read that no rule names. Default: `false`. */
  readonly readsAllMemberships?: boolean
}

/** Combines options and definition to a provider; `undefined` if there is a mistake. */
export function buildProvider(
  name: string,
  setup: ProviderSetup,
  defaults: ProviderDefaults,
  mistakes: Mistakes,
): Omit<Provider, 'rulesKey'> | undefined {
  const { values, definition } = setup.parse(mistakes, defaults.moduleOptions)
  const client = resolveClient(name, setup, values, defaults.env, definition, mistakes)
  if (definition === undefined) return undefined
  const rules = rulesOf(values)
  checkRules(rules, values, definition, mistakes)
  checkScopes(values, definition, isManagedClient(setup), mistakes)
  if (values.responseMode === 'form_post' && definition.supportsFormPost === false)
    mistakes.at('responseMode').add("cannot be 'form_post': this vendor responds only in the query")
  checkSigningAlgorithms(values.signingAlgorithms, client?.clientAuth, mistakes)
  const endpoints = resolveEndpoints(values, definition, mistakes)
  const offlineAccess = resolveOfflineAccess(values, definition, defaults.offlineAccess, mistakes)
  if (client === undefined || mistakes.hasAny()) return undefined
  const { scopes = [], iconUrl } = values
  return {
    ...definition,
    ...client,
    ...endpoints,
    name,
    label: values.displayName ?? definition.displayName ?? name,
    iconUrl: iconUrl === undefined ? definition.iconUrl : new URL(iconUrl).href,
    mark: definition.mark,
    color: definition.color,
    trustEmail: values.trustEmail,
    rules,
    readsAllMemberships: defaults.readsAllMemberships ?? false,
    requestedScopes: requestedScopes(definition, values, rules, defaults),
    offlineAccess,
    ignoresOfflineAccess: Boolean(values.offlineAccess) && definition.offline === undefined,
    requiredScopes: scopes,
    optionalScopes: values.optionalScopes ?? [],
    connectionScopes: values.connectionScopes ?? [],
    connectionScopeSeparator: definition.connectionScopeSeparator ?? ',',
    authorizationParams: { ...definition.authorizationParams, ...values.authorizationParams },
    authorizationParamsMap: values.authorizationParamsMap ?? {},
    tokenHeaders: values.tokenHeaders ?? {},
    logoutHint: values.logoutHint,
    insecureHttp: values.insecureHttp,
    responseMode: values.responseMode,
    callbackPath: values.callbackPath,
    signingAlgorithms: values.signingAlgorithms,
    timeoutMs: defaults.timeoutMs,
    clockTolerance: defaults.clockToleranceMs / 1000,
  }
}

function requestedScopes(
  { scopes: vendorScopes, membershipScopes = [] }: ProviderDefinition,
  { defaultScopes = vendorScopes, scopes = [], optionalScopes = [] }: CommonValues,
  rules: Rules,
  { readsAllMemberships = false }: ProviderDefaults,
): readonly string[] {
  const needsMemberships =
    readsAllMemberships || membershipLists.some((list) => namesList(rules, list))
  return [
    ...new Set([
      ...defaultScopes,
      ...(needsMemberships ? membershipScopes : []),
      ...scopes,
      ...optionalScopes,
    ]),
  ]
}

function checkScopes(
  { defaultScopes = [], scopes = [], optionalScopes = [] }: CommonValues,
  { openid }: ProviderDefinition,
  isManaged: boolean,
  mistakes: Mistakes,
): void {
  for (const [name, list] of Object.entries({ defaultScopes, scopes, optionalScopes }))
    if (isManaged && list.length > 0)
      mistakes
        .at(name)
        .add(
          'cannot be set if the client ID comes from the environment: register your own app and set clientId and clientSecret',
        )
  if (openid && defaultScopes.length > 0 && !defaultScopes.includes('openid'))
    mistakes
      .at('defaultScopes')
      .add('must contain openid: without it, the provider issues no ID token')
  if (optionalScopes.some((scope) => scopes.includes(scope)))
    mistakes
      .at('optionalScopes')
      .add('contains an entry of scopes: a scope is either required or optional')
}

function checkRules(
  rules: Rules,
  { trustEmail }: CommonValues,
  { emailNeverVerified }: ProviderDefinition,
  mistakes: Mistakes,
): void {
  if (emailNeverVerified === undefined || trustEmail) return
  for (const { set, index } of ruleSets(rules)) {
    const emailList = emailLists.find((list) => set[list] !== undefined)
    if (emailList !== undefined)
      mistakesOfSet(index, mistakes)
        .at(emailList)
        .add(
          `cannot be met: ${emailNeverVerified}. Set trustEmail: true only if you accept unverified addresses`,
        )
  }
}
