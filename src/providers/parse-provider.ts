import { readPrivateKey } from '../oauth/client-auth.js'
import type { Provider } from '../access/provider.js'
import { readRules } from '../access/read-rules.js'
import { isAllowedUrl } from '../http/origin.js'
import type { Endpoints, ProviderDefinition } from '../oauth/definition.js'
import { isProviderSetup, type ProviderSetup } from './define-provider.js'
import { ruleLists, type Rules } from '../access/rules.js'
import { isPlain, isRecord, type OptionReader, printable, readOptions } from '../schema.js'
import { builtinProviders, isBuiltinName } from './index.js'
import { checkScope, readParams, readParamsMap, readTokenHeaders } from './request-params.js'

export interface ProviderDefaults {
  env: Readonly<Record<string, string | undefined>>
  /** Milliseconds. */
  timeout: number
  /** Seconds. */
  clockTolerance: number
  /** Whether a refresh token is wanted where the option does not say. */
  offlineAccess: boolean
}

const commonOptions = [
  'clientId',
  'clientSecret',
  'scopes',
  'emailAddresses',
  'emailDomains',
  'displayName',
  'iconUrl',
  'trustEmail',
  'connectionScopes',
  'authorizationParams',
  'authorizationParamsMap',
  'tokenHeaders',
  'clientAuth',
  'offlineAccess',
  'endpoints',
]

const endpointNames: readonly (keyof Endpoints)[] = [
  'issuer',
  'authorization',
  'token',
  'userinfo',
  'api',
  'jwks',
  'revocation',
  'endSession',
]

/** The `provider` option: a name, or an object of names. */
export function parseProviders(value: unknown, defaults: ProviderDefaults): Provider[] {
  if (value === undefined)
    throw new TypeError(
      'oauthModule: the option provider is missing: name one, as in { provider: { github: { … } } }',
    )
  if (typeof value === 'string' && !isBuiltinName(value.toLowerCase())) {
    throw new TypeError(
      `oauthModule: the option provider must be one of ${Object.keys(builtinProviders).join(', ')}, or an object of names`,
    )
  }
  const map = typeof value === 'string' ? { [value]: {} } : value
  if (!isRecord(map) || !isPlain(map))
    throw new TypeError('oauthModule: the option provider must be a name or an object of names')
  const entries = Object.entries(map)
  if (entries.length === 0)
    throw new TypeError('oauthModule: the option provider names no provider')
  return entries.map(([name, options]) => parseProvider(name, options, defaults))
}

function parseProvider(name: string, value: unknown, defaults: ProviderDefaults): Provider {
  const at = `provider.${printable(name).slice(1, -1)}`
  if (name.length > 64 || !/^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(name)) {
    throw new TypeError(
      `${at}: a name starts and ends with a letter or digit and holds only letters, digits and dashes`,
    )
  }
  const source = sourceOf(name, value, at)
  const options = readOptions(source.options, at)
  options.only([...commonOptions, ...source.extraOptions])
  const definition = source.define(options)
  return { ...assemble(name, options, definition, defaults), rulesKey: rulesKeyOf(source.given) }
}

/** These say how a login goes and looks, or are compared by themselves. All else may decide whom we believe, and what. */
const notDeciding = new Set<string>([
  ...ruleLists,
  'clientId',
  'clientSecret',
  'clientAuth',
  'tokenHeaders',
  'displayName',
  'iconUrl',
  'color',
  'scopes',
  'connectionScopes',
  'offlineAccess',
  'authorizationParams',
  'authorizationParamsMap',
])

/** Functions count as there or not: two of them cannot be compared. */
function rulesKeyOf(given: object): string {
  const entries = Object.entries(given).filter(
    ([name, value]) => value !== undefined && !notDeciding.has(name),
  )
  return JSON.stringify(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)),
    (_, value: unknown) => (typeof value === 'function' ? 'function' : value),
  )
}

function sourceOf(name: string, value: unknown, at: string): ProviderSetup {
  if (value === undefined)
    throw new TypeError(`${at} is undefined: give it options, or leave its name out`)
  if (isProviderSetup(value)) return value
  if (!isRecord(value)) throw new TypeError(`${at} must be an object of options`)
  if (isBuiltinName(name)) return builtinProviders[name](value)
  const known = Object.keys(builtinProviders)
  const meant = known.find((builtin) => builtin === name.toLowerCase())
  throw new TypeError(
    meant
      ? `${at}: write ${meant} in lower case`
      : `${at} is no built-in provider (${known.join(', ')}): give it what oidcProvider(), oauth2Provider(), defineProvider() or githubProvider() returns`,
  )
}

function assemble(
  name: string,
  options: OptionReader,
  definition: ProviderDefinition,
  defaults: ProviderDefaults,
): Omit<Provider, 'rulesKey'> {
  const client = readClient(name, options, definition, defaults)
  const endpoints = readEndpoints(options, definition)
  const scopes = options.list('scopes', checkScope) ?? []
  if (client.isManaged && scopes.length > 0) {
    options.fail(
      'scopes',
      'cannot be set when the client id comes from the environment: register an app of your own and set clientId and clientSecret',
    )
  }
  const trustEmail = options.boolean('trustEmail', false)
  const rules = readProviderRules(options, definition, trustEmail)
  const offline = options.boolean('offlineAccess', defaults.offlineAccess)
    ? definition.offline
    : undefined
  return {
    ...definition,
    ...client,
    ...endpoints,
    name,
    label: options.text('displayName', { max: 64 }) ?? definition.displayName ?? name,
    iconUrl: readIcon(options) ?? definition.iconUrl,
    color: definition.color,
    trustEmail,
    rules,
    requestedScopes: [
      ...new Set([
        ...definition.scopes,
        ...(asksMemberships(rules) ? (definition.membershipScopes ?? []) : []),
        ...(offline?.scopes ?? []),
        ...scopes,
      ]),
    ],
    requiredScopes: scopes,
    connectionScopes: options.list('connectionScopes', checkScope) ?? [],
    connectionScopeSeparator: definition.connectionScopeSeparator ?? ',',
    authorizationParams: {
      ...definition.authorizationParams,
      ...offline?.params,
      ...readParams(options),
    },
    authorizationParamsMap: readParamsMap(options),
    tokenHeaders: readTokenHeaders(options),
    timeout: defaults.timeout,
    clockTolerance: defaults.clockTolerance,
  }
}

function asksMemberships({ organizations, teams, groups }: Rules): boolean {
  return organizations !== undefined || teams !== undefined || groups !== undefined
}

function readClient(
  name: string,
  options: OptionReader,
  definition: ProviderDefinition,
  { env }: ProviderDefaults,
) {
  const clientAuth = options.oneOf(
    'clientAuth',
    ['post', 'basic', 'private_key_jwt', 'none'],
    definition.clientAuth ?? 'post',
  )
  if (definition.clientAuth !== undefined && clientAuth !== definition.clientAuth) {
    options.fail(
      'clientAuth',
      `is fixed by this provider: it knows only '${definition.clientAuth}'`,
    )
  }
  const names = options.keys()
  const isManaged = !names.includes('clientId') && !names.includes('clientSecret')
  const variable = `OAUTH_MODULE_${name.toUpperCase().replaceAll('-', '_')}_CLIENT_`
  const clientId = isManaged ? env[`${variable}ID`] || undefined : options.text('clientId')
  const clientSecret = isManaged ? env[`${variable}SECRET`] || undefined : readSecret(options)
  if (clientId === undefined) {
    return options.fail(
      'clientId',
      isManaged
        ? `is missing: set it, or set ${variable}ID in the environment`
        : 'is missing or undefined: is the environment variable you take it from set?',
    )
  }
  if (clientSecret === undefined && clientAuth !== 'none') {
    return options.fail(
      'clientSecret',
      isManaged
        ? `is missing: set ${variable}SECRET in the environment`
        : "is missing or undefined: is the environment variable you take it from set? (A public client has clientAuth: 'none'.)",
    )
  }
  if (clientSecret !== undefined && clientAuth === 'none')
    options.fail('clientSecret', "must be left out with clientAuth: 'none'")
  if (clientAuth === 'private_key_jwt' && readPrivateKey(clientSecret ?? '') === undefined) {
    options.fail(
      'clientSecret',
      "must be a private key with clientAuth: 'private_key_jwt': PEM (PKCS #8) or a JWK as JSON",
    )
  }
  return { clientId, clientSecret, clientAuth, isManaged }
}

/** A private key in PEM has line breaks; no other secret has. */
function readSecret(options: OptionReader): string | undefined {
  const value = options.value('clientSecret')
  return typeof value === 'string' && value.startsWith('-----BEGIN ')
    ? value
    : options.text('clientSecret', { max: 8192 })
}

function readEndpoints(
  options: OptionReader,
  definition: ProviderDefinition,
): Pick<ProviderDefinition, 'issuer' | 'endpoints'> {
  const given = options.object('endpoints')
  const known =
    definition.configurableEndpoints ??
    endpointNames.filter((name) => definition.openid || name !== 'issuer')
  given?.only(known)
  const own = Object.fromEntries(
    known.flatMap((name) => {
      if (given?.url(name) === undefined) return []
      const value = String(given.value(name))
      return isAllowedUrl(value.replaceAll(/[{}]/g, ''))
        ? [[name, value]]
        : given.fail(name, 'must be an https URL (plain http only on this machine)')
    }),
  ) as Partial<Endpoints>
  const { issuer, ...endpoints } = own
  // Another issuer has other endpoints: they are discovered there.
  const inherited = issuer === undefined || !definition.openid ? definition.endpoints : {}
  const result = { issuer: issuer ?? definition.issuer, endpoints: { ...inherited, ...endpoints } }
  for (const url of [result.issuer, ...Object.values(result.endpoints)]) {
    if (url !== undefined && !isAllowedUrl(url.replaceAll(/[{}]/g, '')))
      throw new TypeError(
        `${options.at}: the addresses must be https URLs (plain http only on this machine)`,
      )
  }
  return result
}

function readProviderRules(
  options: OptionReader,
  definition: ProviderDefinition,
  trustEmail: boolean,
): Rules {
  const rules = readRules(options)
  const emailRule = rules.emailAddresses
    ? 'emailAddresses'
    : rules.emailDomains
      ? 'emailDomains'
      : undefined
  if (emailRule && definition.emailNeverVerified && !trustEmail) {
    options.fail(
      emailRule,
      `cannot be met: ${definition.emailNeverVerified}. Set trustEmail: true only if you accept unverified addresses`,
    )
  }
  return rules
}

function readIcon(options: OptionReader): string | undefined {
  const icon = options.url('iconUrl')
  if (icon && icon.protocol !== 'https:') options.fail('iconUrl', 'must be an https URL')
  return icon?.href
}
