import type { JsonOptions } from '../options/json-options.js'
import { optionFields } from '../options/fields.js'
import { Mistakes, type Values } from '../schema/field.js'
import { isPlainObject, readFields } from '../schema/read-fields.js'
import { nearest, printable } from '../schema/suggestions.js'
import type { Arguments } from './arguments.js'
import { readConfigFile } from './config-file.js'
import { CONFIG_VARIABLE, type Env, flagsInEnvironment } from './environment.js'
import { CommandError } from './errors.js'
import { ANY_PROVIDER, type Flag, OAUTH, variableOf } from './flags.js'
import { configurationOf, type Setting, settingsIn, type Settled, settle } from './layers.js'
import { readSecretFile } from './secret-files.js'
import { settingFields } from './settings.js'
import { fromTexts } from './text-values.js'

/** The configuration of the command: the options of the gate, and its own settings. */
export interface Configuration {
  /** The options of `oauthModule()` as JSON, with the secrets of files in place. */
  readonly json: JsonOptions
  readonly settings: Values<typeof settingFields>
  /** Every value that was set, and where. */
  readonly settled: Settled
  /** The configuration file, if there is one. */
  readonly file: string | undefined
}

/**
 * Reads the configuration from flags, environment and file, in this order of precedence. Throws a
 * {@link CommandError} or a `TypeError` that names what is wrong, and never quotes a value.
 */
export function loadConfiguration(
  { own, values, positionals }: Arguments,
  env: Env,
): Configuration {
  const file = typeof own.config === 'string' ? own.config : env[CONFIG_VARIABLE]
  // An unset variable of a deployment must not remove the rules of the file.
  if (file === '') throw new CommandError(`${CONFIG_VARIABLE} is empty: name a file, or unset it`)
  const environment = flagsInEnvironment(env)
  const [target] = positionals
  const base = settle([
    ...(file === undefined ? [] : settingsOfFile(readConfigFile(file), file)),
    ...settingsOfFlags(environment, variableOf),
    ...settingsOfFlags(values, flagName),
    ...(target === undefined ? [] : [{ path: ['target'], value: target, origin: 'the argument' }]),
  ])
  const names = namesIn(values, flagName) ?? namesIn(environment, variableOf)
  const settled = settle(
    withProviders([...base.values()], names).map((setting) => readSecretFile(setting, file)),
  )
  return { ...split(configurationOf(settled)), settled, file }
}

const flagName = (name: string) => `--${name}`

function settingsOfFile(options: Record<string, unknown>, file: string): Setting[] {
  return settingsIn(normalized(options), file)
}

/** A provider that is given by its name alone, as an object. */
function normalized(options: Record<string, unknown>): Record<string, unknown> {
  const { provider } = options
  return typeof provider === 'string' ? { ...options, provider: { [provider]: {} } } : options
}

function settingsOfFlags(
  given: ReadonlyMap<Flag, readonly string[]>,
  nameOf: (name: string) => string,
): Setting[] {
  return [...given].flatMap(([flag, texts]) => {
    if (flag.name === OAUTH) return []
    const origin = nameOf(flag.name)
    const value = fromTexts(flag.schema, texts, origin)
    if (flag.isFile) return [{ path: flag.path, value: { file: value }, origin }]
    return flag.name === 'provider'
      ? settingsIn(normalized({ provider: value }), origin)
      : [{ path: flag.path, value, origin }]
  })
}

interface ProviderNames {
  readonly names: readonly string[]
  readonly origin: string
}

function namesIn(
  given: ReadonlyMap<Flag, readonly string[]>,
  nameOf: (name: string) => string,
): ProviderNames | undefined {
  const entry = [...given].find(([{ name }]) => name === OAUTH)
  return entry && { names: entry[1], origin: nameOf(OAUTH) }
}

/**
 * Puts the flags of provider options into the provider that they are for. The names of `--oauth`
 * replace those of the file, whose options stay.
 */
function withProviders(settings: readonly Setting[], given: ProviderNames | undefined): Setting[] {
  const isProvider = ({ path }: Setting) => path[0] === 'provider' && path.length > 1
  const named = settings.filter((setting) => isProvider(setting))
  const configured = named.map(({ path }) => path[1] ?? '').filter((name) => name !== ANY_PROVIDER)
  const names = given?.names ?? [...new Set(configured)]
  const [only, ...others] = names
  const placed = named.flatMap((setting) => {
    const [, name = '', ...rest] = setting.path
    if (name !== ANY_PROVIDER) return names.includes(name) ? [setting] : []
    if (only !== undefined && others.length === 0)
      return [{ ...setting, path: ['provider', only, ...rest] }]
    throw new CommandError(
      only === undefined
        ? `${setting.origin} needs a provider: name it, as in --oauth google`
        : `${setting.origin} is for one provider, and there are ${names.length}: write the options of each into a file for --config`,
    )
  })
  const empty = (given?.names ?? [])
    .filter((name) => !placed.some(({ path }) => path[1] === name))
    .map((name) => ({ path: ['provider', name], value: {}, origin: given?.origin ?? '' }))
  return [...settings.filter((setting) => !isProvider(setting)), ...placed, ...empty]
}

/** Separates our settings from the options. Reports unknown names, with the nearest of both. */
function split(configuration: Record<string, unknown>): Pick<Configuration, 'json' | 'settings'> {
  reportUnknown(Object.keys(configuration))
  const own = Object.entries(configuration).filter(([name]) => Object.hasOwn(settingFields, name))
  const mistakes = new Mistakes('configuration')
  const settings = readFields(settingFields, Object.fromEntries(own), mistakes)
  mistakes.throwIfAny()
  const options = Object.entries(configuration).filter(
    ([name]) => !Object.hasOwn(settingFields, name),
  )
  return { json: Object.fromEntries(options), settings }
}

function reportUnknown(names: readonly string[]): void {
  const known = [...Object.keys(settingFields), ...Object.keys(optionFields)]
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new CommandError(
      unknown
        .map((name) => {
          const meant = nearest(name, known)
          return `${printable(name)} is not an option${meant === undefined ? '' : `: write ${meant}`}`
        })
        .join('\n'),
    )
}

/** The names of the configured providers. */
export function providerNames({ json }: Configuration): readonly string[] {
  return isPlainObject(json.provider) ? Object.keys(json.provider) : []
}
