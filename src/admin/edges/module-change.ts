import type { StoredModule, StoredProvider } from '../../options/stored-change.js'
import { type BuiltinName, builtinProviders } from '../../providers/index.js'
import { Mistakes } from '../../schema/field.js'
import type { AdminErrorCode } from '../error-codes.js'
import { AdminError } from '../errors.js'
import { builtinsOf, type CheckedOptions, otherProvidersOf } from '../gate-options.js'
import { MAX_LENGTHS } from '../limits.js'
import { listOptions, type ModuleJson, type ProviderJson, providerNames } from './module-fields.js'

/** What the change of a module depends on. */
export interface ModuleContext {
  /** Path of the module in the body. */
  readonly path: '' | 'module.'
  /** The options of the code. */
  readonly codeOptions: CheckedOptions
  readonly cookiePrefix: string
  readonly mayDisable: boolean
}

/** A module, and what the administrator should know about it. */
export interface ModuleChange {
  readonly module: StoredModule
  readonly warnings: readonly string[]
}

/** Scopes that LinkedIn no longer grants, and that scripts for ngrok contain. */
const DEAD_SCOPES = ['r_emailaddress', 'r_liteprofile']

function reject(code: AdminErrorCode, field: string, message?: string): never {
  throw new AdminError(code, { field, ...(message !== undefined && { message }) })
}

/**
 * The module of a request body. `current` is the module in effect, of which a client secret may
 * stay. Throws an {@link AdminError} that names the field.
 */
export function changeOf(
  json: ModuleJson,
  current: StoredModule,
  context: ModuleContext,
): ModuleChange {
  const { path, codeOptions, mayDisable } = context
  if (!json.enabled && !mayDisable) return reject('disable_not_allowed', `${path}enabled`)
  checkCookiePrefix(json.cookie_prefix, context)
  const given = providerNames.flatMap((name) => {
    const provider = json.provider?.[name]
    return provider === undefined ? [] : [{ name, provider, path: `${path}provider.${name}` }]
  })
  const others = otherProvidersOf(codeOptions)
  const fixed = given.find(({ name }) => others.includes(name))
  if (fixed !== undefined) return reject('provider_in_code', fixed.path)
  if (given.length === 0 && others.length === 0) return reject('ERR_NGROK_7037', `${path}provider`)
  checkDurations(json, path)
  const builtins = builtinsOf(codeOptions)
  const providers = given.map((entry) => {
    const provider = providerChange(entry, current.provider[entry.name])
    checkEmails(entry, { ...builtins.get(entry.name), ...provider })
    return [entry.name, provider] as const
  })
  return {
    module: {
      enabled: json.enabled,
      provider: Object.fromEntries(providers),
      optionsPassthrough: json.options_passthrough,
      inactivityTimeout: json.inactivity_timeout,
      maximumDuration: json.maximum_duration,
      authCheckInterval: json.auth_check_interval,
    },
    warnings:
      deadScopesOf(json).length > 0
        ? [
            `LinkedIn no longer grants the scopes ${DEAD_SCOPES.join(' and ')}, so they are left out.`,
          ]
        : [],
  }
}

interface GivenProvider {
  readonly name: BuiltinName
  readonly provider: ProviderJson
  readonly path: string
}

function checkCookiePrefix(given: string | undefined, { path, cookiePrefix }: ModuleContext): void {
  const field = `${path}cookie_prefix`
  if (given === undefined || given === cookiePrefix) return
  if (given.length > MAX_LENGTHS.cookiePrefix) return reject('ERR_NGROK_7136', field)
  if (!/^[A-Za-z0-9.]+$/.test(given)) return reject('ERR_NGROK_7042', field)
  return reject('cookie_prefix_fixed', field)
}

function checkDurations(
  { inactivity_timeout: idle, maximum_duration: maximum }: ModuleJson,
  path: string,
): void {
  if (maximum > 0 && idle > maximum)
    reject(
      'ERR_NGROK_7028',
      `${path}inactivity_timeout`,
      'inactivity_timeout must not be longer than maximum_duration.',
    )
}

function providerChange(
  { name, provider, path }: GivenProvider,
  current: StoredProvider | undefined,
): StoredProvider {
  const client = clientOf(provider, current, path)
  const isManaged = client.clientId === undefined
  if (isManaged && provider.scopes !== undefined) reject('ERR_NGROK_7034', `${path}.scopes`)
  if (isManaged && !hasManagedClient(name)) reject('ERR_NGROK_5535', path)
  const lists = Object.entries(listOptions).flatMap(([field, option]) => {
    const list = provider[field as keyof typeof listOptions] ?? []
    const kept = name === 'linkedin' && option === 'scopes' ? list.filter(isGranted) : list
    return kept.length === 0 ? [] : [[option, kept] as const]
  })
  return { ...client, ...Object.fromEntries(lists) }
}

/**
 * The client of a provider. A secret stays only with the client ID that it belongs to, so that no
 * one who has only the token of the API can use it with another one.
 */
function clientOf(
  { client_id: clientId, client_secret: clientSecret }: ProviderJson,
  current: StoredProvider | undefined,
  path: string,
): Pick<StoredProvider, 'clientId' | 'clientSecret'> {
  if (clientId === undefined)
    return clientSecret === undefined ? {} : reject('ERR_NGROK_7033', `${path}.client_id`)
  if (clientSecret !== undefined) return { clientId, clientSecret }
  if (current?.clientId !== clientId) return reject('ERR_NGROK_7033', `${path}.client_secret`)
  // A public client has none.
  const { clientSecret: kept } = current
  return kept === undefined ? { clientId } : { clientId, clientSecret: kept }
}

function hasManagedClient(name: BuiltinName): boolean {
  const variable = `OAUTH_MODULE_${name.toUpperCase()}_CLIENT_`
  return Boolean(process.env[`${variable}ID`] && process.env[`${variable}SECRET`])
}

/** Rejects a list of addresses that users could choose. `options` are those of the provider then. */
function checkEmails({ name, provider, path }: GivenProvider, options: object): void {
  const list = (['email_addresses', 'email_domains'] as const).find(
    (field) => provider[field] !== undefined,
  )
  if (list === undefined) return
  const { values, definition } = builtinProviders[name](options).parse(new Mistakes(''))
  if (definition?.emailNeverVerified !== undefined && !values.trustEmail)
    reject('email_unverified', `${path}.${list}`)
}

function isGranted(scope: string): boolean {
  return !DEAD_SCOPES.includes(scope)
}

function deadScopesOf({ provider }: ModuleJson): readonly string[] {
  return (provider?.linkedin?.scopes ?? []).filter((scope) => !isGranted(scope))
}
