import type { Provider } from '../access/provider.js'
import { emailLists, type Rules, rulesOf } from '../access/rules.js'
import { readPrivateKey } from '../oauth/client-auth.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import { membershipLists } from '../oauth/identity.js'
import type { Mistakes } from '../schema/field.js'
import { printable } from '../schema/read-fields.js'
import type { ProviderSetup } from './define-provider.js'
import { checkSigningAlgorithms } from './signing-algorithms.js'
import { resolveOfflineAccess } from './offline-access.js'
import { checkProviderUrl, type CommonValues, endpointNames } from './provider-options.js'

/** Settings that apply to all providers. */
export interface ProviderDefaults {
  readonly env: Readonly<Record<string, string | undefined>>
  /** For a whole exchange with the provider, in milliseconds. */
  readonly timeoutMs: number
  /** In milliseconds. */
  readonly clockToleranceMs: number
  /** Default of the option `offlineAccess`. */
  readonly offlineAccess: boolean
}

type Client = Pick<
  Provider,
  'clientId' | 'clientSecret' | 'clientAuth' | 'hasFixedClientAuth' | 'isManaged'
>

/** Combines options and definition to a provider; `undefined` if there is a mistake. */
export function buildProvider(
  name: string,
  setup: ProviderSetup,
  defaults: ProviderDefaults,
  mistakes: Mistakes,
): Omit<Provider, 'rulesKey'> | undefined {
  const { values, definition } = setup.parse(mistakes)
  const client = resolveClient(name, setup, values, defaults.env, definition, mistakes)
  if (definition === undefined) return undefined
  const rules = rulesOf(values)
  checkRules(rules, values, definition, mistakes)
  checkScopes(values, isManagedClient(setup), mistakes)
  checkSigningAlgorithms(values.signingAlgorithms, client?.clientAuth, mistakes)
  const endpoints = resolveEndpoints(values.endpoints, definition, mistakes)
  const offlineAccess = resolveOfflineAccess(values, definition, defaults.offlineAccess, mistakes)
  if (client === undefined || mistakes.hasAny()) return undefined
  const { scopes = [], optionalScopes = [], iconUrl } = values
  return {
    ...definition,
    ...client,
    ...endpoints,
    name,
    label: values.displayName ?? definition.displayName ?? name,
    iconUrl: iconUrl === undefined ? definition.iconUrl : new URL(iconUrl).href,
    color: definition.color,
    trustEmail: values.trustEmail,
    rules,
    requestedScopes: requestedScopes(definition, rules, [...scopes, ...optionalScopes]),
    offlineAccess,
    ignoresOfflineAccess: Boolean(values.offlineAccess) && definition.offline === undefined,
    requiredScopes: scopes,
    connectionScopes: values.connectionScopes ?? [],
    connectionScopeSeparator: definition.connectionScopeSeparator ?? ',',
    authorizationParams: {
      ...definition.authorizationParams,
      ...values.authorizationParams,
    },
    authorizationParamsMap: values.authorizationParamsMap ?? {},
    tokenHeaders: values.tokenHeaders ?? {},
    signingAlgorithms: values.signingAlgorithms,
    timeoutMs: defaults.timeoutMs,
    clockTolerance: defaults.clockToleranceMs / 1000,
  }
}

function requestedScopes(
  { scopes, membershipScopes = [] }: ProviderDefinition,
  rules: Rules,
  more: readonly string[],
): readonly string[] {
  const needsMemberships = membershipLists.some((list) => rules[list] !== undefined)
  return [...new Set([...scopes, ...(needsMemberships ? membershipScopes : []), ...more])]
}

function isManagedClient({ options }: ProviderSetup): boolean {
  return !Object.hasOwn(options, 'clientId') && !Object.hasOwn(options, 'clientSecret')
}

/**
 * The client from the options, or, without both keys, the managed application of the environment.
 */
function resolveClient(
  name: string,
  setup: ProviderSetup,
  values: CommonValues,
  env: ProviderDefaults['env'],
  definition: ProviderDefinition | undefined,
  mistakes: Mistakes,
): Client | undefined {
  const clientAuth = values.clientAuth ?? definition?.clientAuth
  const hasFixedClientAuth = definition?.clientAuth !== undefined
  if (hasFixedClientAuth && clientAuth !== definition.clientAuth)
    mistakes
      .at('clientAuth')
      .add(`is fixed by this provider: it supports only '${definition.clientAuth}'`)
  const isManaged = isManagedClient(setup)
  const variable = `OAUTH_MODULE_${name.toUpperCase().replaceAll('-', '_')}_CLIENT_`
  const clientId = isManaged ? env[`${variable}ID`] || undefined : values.clientId
  const clientSecret = isManaged ? env[`${variable}SECRET`] || undefined : values.clientSecret
  if (clientId === undefined)
    return mistakes.has('clientId')
      ? undefined
      : mistakes
          .at('clientId')
          .add(
            isManaged
              ? `is missing: set it, or set ${variable}ID in the environment`
              : 'is missing or undefined: is the environment variable that it is read from set?',
          )
  const secretFix = isManaged
    ? `is missing: set ${variable}SECRET in the environment`
    : "is missing or undefined: is the environment variable that it is read from set? (A public client has clientAuth: 'none'.)"
  const fix = checkSecret(clientSecret, clientAuth, secretFix)
  if (fix !== undefined && !mistakes.has('clientSecret', 'clientAuth'))
    return mistakes.at('clientSecret').add(fix)
  return { clientId, clientSecret, clientAuth, hasFixedClientAuth, isManaged }
}

function checkScopes(
  { scopes = [], optionalScopes = [] }: CommonValues,
  isManaged: boolean,
  mistakes: Mistakes,
): void {
  for (const [name, list] of Object.entries({ scopes, optionalScopes }))
    if (isManaged && list.length > 0)
      mistakes
        .at(name)
        .add(
          'cannot be set if the client ID comes from the environment: register your own app and set clientId and clientSecret',
        )
  if (optionalScopes.some((scope) => scopes.includes(scope)))
    mistakes
      .at('optionalScopes')
      .add('contains an entry of scopes: a scope is either required or optional')
}

function checkSecret(
  clientSecret: string | undefined,
  clientAuth: Client['clientAuth'],
  missing: string,
): string | undefined {
  if (clientAuth === 'none')
    return clientSecret === undefined ? undefined : "must be left out with clientAuth: 'none'"
  if (clientSecret === undefined) return missing
  return clientAuth === 'private_key_jwt' && readPrivateKey(clientSecret) === undefined
    ? "must be a private key with clientAuth: 'private_key_jwt': PEM (PKCS #8) or a JWK as JSON"
    : undefined
}

function checkRules(
  rules: Rules,
  { trustEmail }: CommonValues,
  { emailNeverVerified }: ProviderDefinition,
  mistakes: Mistakes,
): void {
  const emailList = emailLists.find((list) => rules[list] !== undefined)
  if (emailList !== undefined && emailNeverVerified !== undefined && !trustEmail)
    mistakes
      .at(emailList)
      .add(
        `cannot be met: ${emailNeverVerified}. Set trustEmail: true only if you accept unverified addresses`,
      )
}

function resolveEndpoints(
  configured: CommonValues['endpoints'],
  definition: ProviderDefinition,
  mistakes: Mistakes,
): Pick<ProviderDefinition, 'issuer' | 'endpoints'> {
  const known =
    definition.configurableEndpoints ??
    endpointNames.filter((name) => definition.openid || name !== 'issuer')
  const names = endpointNames.filter((name) => configured?.[name] !== undefined)
  for (const name of names)
    if (!known.includes(name))
      mistakes
        .at('endpoints')
        .add(`has an unknown option ${printable(name)}; known are ${known.join(', ')}`)
  const { issuer, ...endpoints } = Object.fromEntries(
    names.map((name) => [name, configured?.[name]]),
  )
  // Another issuer has other endpoints: they are discovered there.
  const inherited = issuer === undefined || !definition.openid ? definition.endpoints : {}
  const result = { issuer: issuer ?? definition.issuer, endpoints: { ...inherited, ...endpoints } }
  for (const url of [result.issuer, ...Object.values(result.endpoints)])
    if (url !== undefined && checkProviderUrl(url) !== undefined)
      mistakes.add('has an endpoint that is not an https URL (plain http only on this machine)')
  return result
}
