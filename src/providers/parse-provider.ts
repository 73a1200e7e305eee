import type { Provider } from '../access/provider.js'
import { ruleLists } from '../access/rules.js'
import { isObject } from '../http/json.js'
import type { Mistakes } from '../schema/field.js'
import { isPlainObject } from '../schema/read-fields.js'
import { nearest, printable } from '../schema/suggestions.js'
import { buildProvider, type ProviderDefaults } from './build-provider.js'
import { isProviderSetup, type ProviderSetup } from './define-provider.js'
import { builtinProviders, isBuiltinName } from './index.js'

const builtinNames = Object.keys(builtinProviders)

/** The option `provider`: a name, or an object of names. Providers with mistakes are left out. */
export function parseProviders(
  value: unknown,
  defaults: ProviderDefaults,
  mistakes: Mistakes,
): readonly Provider[] {
  const map = typeof value === 'string' ? { [value]: {} } : value
  if (value === undefined)
    mistakes.add('is missing: name a provider, as in { provider: { github: { … } } }')
  else if (typeof value === 'string' && !isBuiltinName(value.toLowerCase()))
    mistakes.add(
      `must be one of ${builtinNames.join(', ')}, or an object of names${didYouMean(value)}`,
    )
  else if (!isPlainObject(map)) mistakes.add('must be a name or an object of names')
  else if (Object.keys(map).length === 0) mistakes.add('names no provider')
  else
    return Object.entries(map).flatMap(
      ([name, options]) => parseProvider(name, options, defaults, mistakes) ?? [],
    )
  return []
}

function didYouMean(name: string): string {
  const meant = nearest(name, builtinNames)
  return meant === undefined ? '' : `: write ${meant}`
}

function parseProvider(
  name: string,
  value: unknown,
  defaults: ProviderDefaults,
  map: Mistakes,
): Provider | undefined {
  const mistakes = map.at(printable(name).slice(1, -1))
  if (name.length > 64 || !/^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(name))
    return mistakes.add(
      'has an invalid name: a name starts and ends with a letter or digit and contains only letters, digits and dashes',
    )
  const setup = setupOf(name, value, mistakes)
  if (setup === undefined) return undefined
  const provider = buildProvider(name, setup, defaults, mistakes)
  return provider && { ...provider, rulesKey: rulesKeyOf(setup.source) }
}

function setupOf(name: string, value: unknown, mistakes: Mistakes): ProviderSetup | undefined {
  if (value === undefined)
    return mistakes.add('is undefined: set its options, or leave its name out')
  if (isProviderSetup(value)) return value
  if (!isObject(value)) return mistakes.add('must be an object of options')
  if (isBuiltinName(name)) return builtinProviders[name](value)
  const meant = nearest(name, builtinNames)
  if (meant !== undefined)
    return mistakes.add(
      `is misspelled: write ${meant}${meant === name.toLowerCase() ? ' in lower case' : ''}`,
    )
  return mistakes.add(
    `is not a built-in provider (${builtinNames.join(', ')}): set it to the return value of oidcProvider(), oauth2Provider(), defineProvider() or githubProvider()`,
  )
}

/** Options that do not decide who may pass, or that are compared separately. */
const NOT_DECIDING = new Set<string>([
  ...ruleLists,
  'allOf',
  'clientId',
  'clientSecret',
  'clientAuth',
  'tokenHeaders',
  'signingAlgorithms',
  'displayName',
  'iconUrl',
  'mark',
  'color',
  'scopes',
  'defaultScopes',
  'optionalScopes',
  'connectionScopes',
  'offlineAccess',
  'insecureHttp',
  'responseMode',
  'callbackPath',
  'logoutHint',
  'authorizationParams',
  'authorizationParamsMap',
])

/**
 * Identifies all options that may decide who may pass. Functions cannot be compared, so only their
 * presence counts.
 */
function rulesKeyOf(source: object): string {
  const entries = Object.entries(source).filter(
    ([name, value]) => value !== undefined && !NOT_DECIDING.has(name),
  )
  return JSON.stringify(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)),
    (_, value: unknown) => (typeof value === 'function' ? 'function' : value),
  )
}
