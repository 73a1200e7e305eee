import { isObject } from '../../http/json.js'
import { sha256 } from '../../http/ids.js'
import { optionFields } from '../../options/fields.js'
import { isProviderSetup } from '../../providers/define-provider.js'
import { fieldsOfType, isProviderType } from '../../providers/provider-types.js'
import type { Fields, FieldSchema } from '../../schema/field.js'
import { isPlainObject } from '../../schema/read-fields.js'

/** An option that is set, as the pages show it. It never contains a secret. */
export interface Setting {
  /** As in `provider.github.teams`. */
  readonly path: string
  readonly text: string
  /** Equal for equal values, also of secrets. Not shown. */
  readonly identity: string
}

/** An option in which two configurations differ. */
export interface SettingChange {
  readonly path: string
  readonly before: string | undefined
  readonly after: string | undefined
}

const SECRET = '(secret)'
const CODE = '(set in code)'
/** Characters of a value. */
const MAX_LENGTH = 500
const MAX_DEPTH = 6
/** Names of what may be secret in an option without a table of fields. */
const SECRET_NAME = /secret|passw|credential|private_?key|headers|token$|api_?key/i

/** The options that are set, by the tables of options: what is in no table is not shown. */
export function settingsOf(options: Readonly<Record<string, unknown>>): readonly Setting[] {
  const { provider, ...others } = options
  return [...providersOf(provider), ...walk(optionFields, others, '')]
}

function providersOf(provider: unknown): readonly Setting[] {
  if (typeof provider === 'string') return [plain('provider', provider)]
  if (!isObject(provider)) return []
  return Object.entries(provider).flatMap(([name, value]): readonly Setting[] => {
    const path = `provider.${name}`
    const setup = isProviderSetup(value) ? value : undefined
    const options: unknown = setup?.options ?? value
    const fields = setup?.fields ?? (isProviderType(name) ? fieldsOfType(name) : undefined)
    if (fields === undefined || !isObject(options)) return [plain(path, CODE)]
    const settings = walk(fields, options, `${path}.`)
    return settings.length > 0 ? settings : [plain(path, 'managed application')]
  })
}

function walk(
  fields: Fields,
  values: Readonly<Record<string, unknown>>,
  prefix: string,
): readonly Setting[] {
  return Object.entries(fields).flatMap(([name, { schema }]): readonly Setting[] => {
    const value = values[name]
    const path = prefix + name
    if (value === undefined) return []
    if (schema.type === 'object' && isPlainObject(value))
      return walk(schema.fields, value, `${path}.`)
    if (isSecret(schema) || SECRET_NAME.test(name)) return [secret(path, value)]
    if (typeof value === 'function') return [plain(path, '(function)')]
    if (schema.type === 'any') return [plain(path, CODE)]
    return flatten(path, value)
  })
}

function isSecret(schema: FieldSchema): boolean {
  return schema.type === 'secret' || (schema.type === 'anyOf' && schema.of.some(isSecret))
}

/** The values of plain JSON, such as a stored change. Names that may be those of secrets hide them. */
export function flatten(path: string, value: unknown, depth = 0): readonly Setting[] {
  if (value === undefined) return []
  const name = path.slice(path.lastIndexOf('.') + 1)
  if (SECRET_NAME.test(name)) return [secret(path, value)]
  if (isPlainObject(value) && depth < MAX_DEPTH)
    return Object.entries(value).flatMap(([key, item]) =>
      flatten(path === '' ? key : `${path}.${key}`, item, depth + 1),
    )
  return [plain(path, textOf(value))]
}

function textOf(value: unknown): string {
  const isList = Array.isArray(value) && value.every((item) => typeof item !== 'object')
  if (isList) return value.map(String).join(', ')
  if (typeof value === 'string') return withoutCredentials(value)
  if (typeof value === 'function') return '(function)'
  return JSON.stringify(value, (key, item: unknown) =>
    SECRET_NAME.test(key) ? SECRET : typeof item === 'function' ? '(function)' : item,
  )
}

/** A URL can contain a password. */
function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/?#\s]*@/, `//${SECRET}@`)
}

function plain(path: string, text: string): Setting {
  return { path, text: text.slice(0, MAX_LENGTH), identity: text }
}

function secret(path: string, value: unknown): Setting {
  return { path, text: SECRET, identity: sha256(JSON.stringify(value) ?? '') }
}

/** The default of an option, as its value is shown; `undefined` without one. */
export function defaultTextOf(path: string): string | undefined {
  const field = (optionFields as Fields)[path]
  const value = field?.details.default
  return value === undefined ? undefined : textOf(value)
}

/** The options in which two configurations differ, sorted by name. */
export function changesBetween(
  before: readonly Setting[],
  after: readonly Setting[],
): readonly SettingChange[] {
  const [old, now] = [byPath(before), byPath(after)]
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .filter((path) => old.get(path)?.identity !== now.get(path)?.identity)
    .map((path) => ({ path, before: old.get(path)?.text, after: now.get(path)?.text }))
}

function byPath(settings: readonly Setting[]): ReadonlyMap<string, Setting> {
  return new Map(settings.map((setting) => [setting.path, setting]))
}
