import { optionFields } from '../options/fields.js'
import type { Field } from '../schema/field.js'
import type { Configuration } from './configuration.js'
import { type Flag, flags, isSecret, OAUTH } from './flags.js'
import { settingFields } from './settings.js'

/**
 * The options in effect, one per line, with where each was set. Secrets are not printed, and neither
 * is what may contain one: parts of a store's URL, headers of token requests.
 */
export function printedConfiguration({ settled }: Configuration): string {
  const given = [...settled.values()].map(({ path, value, origin }) => ({
    name: path.join('.'),
    value: isSecretPath(path) ? '(secret)' : printedValue(path, value),
    origin,
  }))
  const names = new Set([...settled.values()].map(({ path }) => path[0]))
  const defaults = Object.entries<Field>({ ...settingFields, ...optionFields })
    .filter(([name, { details }]) => !names.has(name) && details.default !== undefined)
    .map(([name, { details }]) => ({
      name,
      value: JSON.stringify(details.default),
      origin: 'default',
    }))
  const rows = [...given, ...defaults].sort((a, b) => (a.name < b.name ? -1 : 1))
  const width = Math.max(0, ...rows.map(({ name, value }) => `${name}: ${value}`.length))
  return rows
    .map(({ name, value, origin }) => `${`${name}: ${value}`.padEnd(width)}  # ${origin}\n`)
    .join('')
}

/** Whether the setting, or one above it, is secret. */
function isSecretPath(path: readonly string[]): boolean {
  return (
    flags.some((flag) => isAt(flag, path) && isSecret(flag.schema)) ||
    path.includes('tokenHeaders') ||
    path.slice(2).some((name) => SECRET_NAME.test(name))
  )
}

/** Whether the flag sets the path, or an object above it. */
function isAt({ name, path: flagPath }: Flag, path: readonly string[]): boolean {
  return (
    name !== OAUTH &&
    path.length >= flagPath.length &&
    flagPath.every((part, index) => part === '*' || part === path[index])
  )
}

/** Mistakes are printed as well: options of another spelling, and objects in the wrong place. */
const SECRET_NAME =
  /secret|passw|passphrase|credential|private_?key|sealed|headers|(?:access|refresh|admin|api)_?(?:token|key)/i

function printedValue([first]: readonly string[], value: unknown): string {
  const isStore = first === 'store' && value !== 'memory' && value !== 'cookie'
  const printed = JSON.stringify(value, (name, item: unknown) =>
    SECRET_NAME.test(name) && typeof item !== 'boolean'
      ? '(secret)'
      : typeof item === 'string' && (isStore || item.includes('://'))
        ? withoutCredentials(item)
        : item,
  ) as string | undefined
  return printed ?? 'undefined'
}

/** A password with unencoded characters is not always where a URL has it. */
function withoutCredentials(text: string): string {
  const isPlain = URL.canParse(text) && !text.replace(/^[^:]*:\/\/[^/?#@]*@/, '').includes('@')
  if (!isPlain) return text.includes('@') || !URL.canParse(text) ? '(secret)' : text
  const url = new URL(text)
  if (url.username === '' && url.password === '') return text
  return text.replace(/\/\/[^/?#@]*@/, url.password === '' ? '//(user)@' : '//(user):(secret)@')
}
