import { isBuiltinName } from '../providers/index.js'
import { isProviderSetup, type ProviderSetup } from '../providers/define-provider.js'
import { isOAuth2Setup, oauth2Provider } from '../providers/oauth2.js'
import { isPlainObject } from '../schema/read-fields.js'
import type { OAuthModuleOptions } from './options.js'
import {
  type StoredChange,
  type StoredConnection,
  storedConnectionOptions,
  type StoredModule,
  storedProviderOptions,
} from './stored-change.js'

type ProviderValues = Readonly<Record<string, unknown>>

/**
 * The options of the code with a change of the store. Throws a `TypeError` if the change names a
 * provider that the code does not have in this form.
 */
export function withChange(
  options: OAuthModuleOptions,
  { module, connections = {} }: StoredChange,
): OAuthModuleOptions {
  const code = providersOf(options)
  const withBuiltins = module === undefined ? code : withModule(code, module)
  const provider = withConnections(withBuiltins, connections)
  if (module === undefined) return { ...options, provider } as OAuthModuleOptions
  const { provider: _, ...others } = module
  return { ...options, ...others, provider } as OAuthModuleOptions
}

/** The option `provider` as an object of names. */
export function providersOf({ provider }: OAuthModuleOptions): ProviderValues {
  if (typeof provider === 'string') return { [provider]: {} }
  return isPlainObject(provider) ? provider : {}
}

/** Whether a change of the store replaces this provider: its options are in the option `provider`. */
export function isStorable(name: string, value: unknown): boolean {
  return isBuiltinName(name) && !isProviderSetup(value)
}

/**
 * Providers stay in the order of the code, because the first one has the shortest redirect URI.
 */
function withModule(code: ProviderValues, { provider: stored }: StoredModule): ProviderValues {
  const kept = Object.entries(code).flatMap(([name, value]) => {
    if (!isStorable(name, value)) return [[name, value] as const]
    const given = isBuiltinName(name) ? stored[name] : undefined
    if (given === undefined) return []
    return [[name, { ...without(value, storedProviderOptions), ...given }] as const]
  })
  for (const name of Object.keys(stored))
    if (Object.hasOwn(code, name) && !isStorable(name, code[name]))
      throw new TypeError(
        `reconfigure().provider.${name} is created by a function in the code: only the code can change it`,
      )
  const added = Object.entries(stored).filter(([name]) => !Object.hasOwn(code, name))
  return Object.fromEntries([...kept, ...added])
}

function withConnections(
  providers: ProviderValues,
  connections: Readonly<Record<string, StoredConnection>>,
): ProviderValues {
  const unknown = Object.keys(connections).find((name) => !isConnection(providers, name))
  if (unknown !== undefined)
    throw new TypeError(
      `reconfigure().provider.${unknown} is not an oauth2Provider() of the code: only the code can add or change it`,
    )
  return Object.fromEntries(
    Object.entries(providers).map(([name, value]) => {
      const stored = Object.hasOwn(connections, name) ? connections[name] : undefined
      return [name, stored === undefined ? value : withConnection(value as ProviderSetup, stored)]
    }),
  )
}

function isConnection(providers: ProviderValues, name: string): boolean {
  return Object.hasOwn(providers, name) && isOAuth2Setup(providers[name])
}

function withConnection({ options }: ProviderSetup, stored: StoredConnection): ProviderSetup {
  return oauth2Provider({
    ...without(options, storedConnectionOptions),
    ...stored,
  })
}

function without(options: unknown, names: readonly string[]): ProviderValues {
  const entries = isPlainObject(options) ? Object.entries(options) : []
  return Object.fromEntries(entries.filter(([name]) => !names.includes(name)))
}
