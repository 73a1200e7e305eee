import type { StoredModule, StoredProvider } from '../../options/stored-change.js'
import { builtinsOf, listOf, type CheckedOptions, stringOf } from '../gate-options.js'
import { listOptions, providerNames } from './module-fields.js'

/** What a module can express of the options of the code, or of those in effect. */
export function moduleOf(options: CheckedOptions): StoredModule {
  const provider = [...builtinsOf(options)].map(([name, value]) => [name, providerOf(value)])
  return {
    enabled: options['enabled'] !== false,
    provider: Object.fromEntries(provider) as StoredModule['provider'],
    optionsPassthrough: options['optionsPassthrough'] === true,
    inactivityTimeout: secondsOf(options['inactivityTimeout']),
    maximumDuration: secondsOf(options['maximumDuration']),
    authCheckInterval: secondsOf(options['authCheckInterval']),
  }
}

function providerOf(value: CheckedOptions): StoredProvider {
  const clientId = stringOf(value['clientId'])
  const clientSecret = stringOf(value['clientSecret'])
  const lists = Object.values(listOptions).flatMap((option) => {
    const list = listOf(value[option])
    return list.length === 0 ? [] : [[option, list] as const]
  })
  return {
    ...(clientId !== undefined && { clientId }),
    ...(clientSecret !== undefined && { clientSecret }),
    ...Object.fromEntries(lists),
  }
}

function secondsOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** What a response contains that is not part of a {@link StoredModule}. */
export interface ModuleFacts {
  readonly cookiePrefix: string
  readonly otherProviders: readonly string[]
  /** What the administrator should know about a change. */
  readonly warnings?: readonly string[]
}

/** A module as a response contains it: without secrets. */
export function moduleView(
  module: StoredModule,
  { cookiePrefix, otherProviders, warnings }: ModuleFacts,
): object {
  const { provider, ...others } = secretModuleView(module)
  const providers = Object.entries(provider).map(([name, value]) => {
    const { client_secret: _, ...rest } = { client_secret: null, ...value }
    return [name, value === null ? null : rest]
  })
  return {
    ...others,
    provider: Object.fromEntries(providers) as Record<string, object | null>,
    cookie_prefix: cookiePrefix,
    x_other_providers: otherProviders,
    ...(warnings !== undefined && { x_warnings: warnings }),
  }
}

/** A module with its secrets: to compare modules, never for a response. */
export function secretModuleView({ provider, ...module }: StoredModule) {
  const providers = providerNames.map((name) => {
    const given = provider[name]
    return [name, given === undefined ? null : providerView(name === 'github', given)]
  })
  return {
    enabled: module.enabled,
    provider: Object.fromEntries(providers) as Record<string, object | null>,
    options_passthrough: module.optionsPassthrough,
    // A duration of the code may have a fraction. Clients in other languages expect integers.
    inactivity_timeout: Math.ceil(module.inactivityTimeout),
    maximum_duration: Math.ceil(module.maximumDuration),
    auth_check_interval: Math.ceil(module.authCheckInterval),
  }
}

function providerView(isGithub: boolean, provider: StoredProvider): object {
  const { clientId = null, clientSecret = null } = provider
  const lists = Object.entries(listOptions)
    .filter(([field]) => isGithub || (field !== 'teams' && field !== 'organizations'))
    .map(([field, option]) => [field, provider[option] ?? []] as const)
  const members: Readonly<Record<string, readonly string[]>> = Object.fromEntries(lists)
  return { client_id: clientId, client_secret: clientSecret, ...members }
}
