import { isProviderType, providerOfType, providerTypes } from '../providers/provider-types.js'
import type { ProviderType } from '../providers/provider-types.js'
import { builtinProviders, isBuiltinName, type BuiltinName } from '../providers/index.js'
import { Mistakes } from '../schema/field.js'
import { isPlainObject } from '../schema/read-fields.js'
import { nearest, printable } from '../schema/suggestions.js'
import { cookieStore } from '../session/stores/cookie-store.js'
import type { SessionStore } from '../session/stores/store.js'
import type { Env } from './config.js'
import type { DevOptions } from './dev-provider.js'
import { optionFields } from './fields.js'
import { fromJsonObject } from './json-values.js'
import type { OAuthModuleOptions } from './options.js'
import { mistakesOf } from './parse-options.js'
import type { SealedSecret } from './sealed-secrets.js'

/** A value of an option as JSON: durations may have units (`'12h'`), secrets may be sealed. */
type Json<T> = T extends number
  ? number | string
  : T extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : T extends (...args: never[]) => unknown
      ? never
      : T extends object
        ? { [Name in keyof T]: Json<T[Name]> }
        : T

type FactoryOptions<Type extends ProviderType> = Json<
  NonNullable<Parameters<(typeof providerTypes)[Type]>[0]>
> & { clientSecret?: string | SealedSecret | undefined }

type TypedProvider = {
  [Type in ProviderType]: { readonly type: Type } & FactoryOptions<Type>
}[ProviderType]

/** The option `provider` as JSON. Names other than those of built-in providers need a `type`. */
export type JsonProviders = {
  readonly [Name in BuiltinName]?: FactoryOptions<Name> | TypedProvider | undefined
} & { readonly dev?: DevOptions | undefined } & {
  readonly [name: string]: TypedProvider | FactoryOptions<BuiltinName> | DevOptions | undefined
}

/** Options that only code can supply. */
type CodeOption = 'authorize' | 'onLogin' | 'onError' | 'logger' | 'pages'

/**
 * The options of `oauthModule()` as JSON: everything that is not a function. Durations are numbers
 * of seconds, or have units, as in `'12h'`.
 */
export type JsonOptions = {
  [Name in keyof Omit<OAuthModuleOptions, CodeOption | 'provider' | 'store'>]?: Json<
    OAuthModuleOptions[Name]
  >
} & {
  readonly provider?: BuiltinName | 'dev' | JsonProviders | undefined
  /** `'memory'`, `'cookie'`, or the URL of a Redis server. */
  readonly store?: string | undefined
}

/** What JSON cannot contain, and refers to. */
export interface JsonContext {
  /** Decrypt sealed secrets. Default: none. */
  readonly secrets?: readonly string[] | undefined
  /** Connects to the store with this URL. Default: only `'memory'` and `'cookie'`. */
  readonly connect?: ((url: string) => SessionStore) | undefined
  /** Default: that of this process. */
  readonly env?: Env | undefined
}

/**
 * Converts options from JSON to options of `oauthModule()`, which checks them further. Throws a
 * `TypeError` if the JSON form has a mistake; it lists those of the options as well.
 */
export function optionsFromJson(json: unknown, context: JsonContext = {}): OAuthModuleOptions {
  const mistakes = new Mistakes('oauthModule')
  if (!isPlainObject(json)) throw new TypeError('the options must be a JSON object')
  const { provider, store, ...others } = json
  const { secrets = [] } = context
  const options = {
    ...fromJsonObject(optionFields, others, secrets, mistakes),
    ...(provider !== undefined && {
      provider: providersFromJson(provider, secrets, mistakes.at('provider')),
    }),
    ...(store !== undefined && { store: storeFromJson(store, context, mistakes.at('store')) }),
  }
  if (mistakes.hasAny()) mistakes.addFrom(mistakesOf(options, context.env ?? process.env))
  mistakes.throwIfAny()
  return options as unknown as OAuthModuleOptions
}

function providersFromJson(
  value: unknown,
  secrets: readonly string[],
  mistakes: Mistakes,
): unknown {
  if (!isPlainObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, options]) => [
      name,
      isPlainObject(options)
        ? providerFromJson(name, options, secrets, mistakes.at(printable(name).slice(1, -1)))
        : options,
    ]),
  )
}

function providerFromJson(
  name: string,
  { type, ...options }: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
  mistakes: Mistakes,
): unknown {
  const kind = type ?? (isBuiltinName(name) ? name : undefined)
  if (isProviderType(kind)) {
    const { fields } = providerOfType(kind, {})
    const converted = fromJsonObject(fields, options, secrets, mistakes)
    return type === undefined ? converted : providerOfType(kind, converted)
  }
  if (kind === undefined && name === 'dev') return options
  return kind === undefined ? reportUntyped(name, mistakes) : reportType(kind, mistakes)
}

function reportUntyped(name: string, mistakes: Mistakes): undefined {
  const meant = nearest(name, [...Object.keys(builtinProviders), 'dev'])
  return mistakes.add(
    meant === undefined
      ? `needs a type: ${typeNames}. Names without a type are ${Object.keys(builtinProviders).join(', ')}`
      : `is misspelled: write ${meant}`,
  )
}

function reportType(type: unknown, mistakes: Mistakes): undefined {
  const meant = typeof type === 'string' ? nearest(type, Object.keys(providerTypes)) : undefined
  return mistakes
    .at('type')
    .add(meant === undefined ? `must be one of ${typeNames}` : `is misspelled: write '${meant}'`)
}

const typeNames = Object.keys(providerTypes)
  .map((type) => `'${type}'`)
  .join(', ')

function storeFromJson(
  value: unknown,
  { connect }: JsonContext,
  mistakes: Mistakes,
): SessionStore | undefined {
  if (value === 'memory') return undefined
  if (value === 'cookie') return cookieStore()
  if (connect === undefined || typeof value !== 'string' || !/^rediss?:\/\//.test(value))
    return mistakes.add(
      `must be 'memory', 'cookie'${connect === undefined ? '' : ", or a URL, as in 'redis://127.0.0.1:6379'"}`,
    )
  return connect(value)
}
