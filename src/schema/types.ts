import { Field, type Fields, type FieldSchema, type Parse, type Values } from './field.js'
import { isPlainObject, readFields } from './read-fields.js'
import { printable } from './suggestions.js'

/** Checks a value further; returns how to fix it, or `undefined` if it is valid. */
type Check<T> = (value: T) => string | undefined

/** Docker Compose sets an unset variable to an empty string. */
const UNSET = 'Is the environment variable that it is read from set?'
const EMPTY = `is an empty string: set it, or leave out the key. ${UNSET}`
const CONTROL = /[\u0000-\u001f\u007f]/
const MAX_SECONDS = 365 * 86_400

function optional<T>(schema: FieldSchema, parse: Parse<T>): Field<T, undefined> {
  return new Field(schema, parse, { absent: undefined })
}

/** An option with a parse function. `schema` describes what it accepts. */
export function custom<T>(
  parse: Parse<T>,
  schema: FieldSchema = { type: 'any' },
): Field<T, undefined> {
  return optional(schema, parse)
}

/** `true` or `false`. */
export function boolean(): Field<boolean, undefined> {
  return optional({ type: 'boolean' }, (value, mistakes) =>
    typeof value === 'boolean' ? value : mistakes.add('must be true or false'),
  )
}

/**
 * Seconds in the option, milliseconds in the configuration. Default maximum: one year.
 */
export function seconds({ min = 0, max = MAX_SECONDS } = {}): Field<number, undefined> {
  return optional({ type: 'seconds', min, max }, (value, mistakes) => {
    if (typeof value !== 'number' || !Number.isFinite(value))
      return mistakes.add('must be a number of seconds')
    if (value < min || value > max)
      return mistakes.add(
        `must be a number of seconds from ${min} to ${max}${looksLikeMilliseconds(value) ? ': it looks like milliseconds' : ''}`,
      )
    return value * 1000
  })
}

/** Whether a number of seconds is a round multiple of 1000. */
export function looksLikeMilliseconds(value: number): boolean {
  return value >= 10_000 && value % 1000 === 0
}

/** A safe integer. */
export function integer({ min = 1, max = Number.MAX_SAFE_INTEGER } = {}): Field<number, undefined> {
  const fix =
    max < Number.MAX_SAFE_INTEGER
      ? `must be an integer from ${min} to ${max}`
      : `must be an integer of at least ${min}`
  return optional({ type: 'integer', min, max }, (value, mistakes) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : mistakes.add(fix),
  )
}

interface StringLimits {
  pattern?: RegExp
  /** The message if `pattern` does not match. */
  fix?: string
  max?: number
  check?: Check<string>
  normalize?: (value: string) => string
}

/** A non-empty string without surrounding whitespace and control characters. */
export function string({
  pattern,
  fix = 'has an invalid format',
  max = 2048,
  check = () => undefined,
  normalize = (value) => value,
}: StringLimits = {}): Field<string, undefined> {
  const problemOf = (value: string) => {
    if (value.length > max) return `must have at most ${max} characters`
    if (CONTROL.test(value)) return 'must not contain control characters'
    if (value.trim() !== value) return 'must not start or end with whitespace'
    return pattern !== undefined && !pattern.test(value) ? fix : check(value)
  }
  return optional({ type: 'string', max, pattern }, (value, mistakes) => {
    if (value === '') return mistakes.add(EMPTY)
    if (typeof value !== 'string' || value.trim() === '')
      return mistakes.add('must be a non-empty string')
    const problem = problemOf(value)
    return problem === undefined ? normalize(value) : mistakes.add(problem)
  })
}

/** One of the given values. */
export function oneOf<const T extends string | boolean>(values: readonly T[]): Field<T, undefined> {
  const names = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)))
  return optional(
    { type: 'enum', values },
    (value, mistakes) =>
      values.find((allowed) => allowed === value) ??
      mistakes.add(`must be one of ${names.join(', ')}`),
  )
}

/** A non-empty array of distinct, non-empty strings, compared after `normalize`. */
export function strings({
  check = () => undefined,
  normalize = (item) => item,
}: {
  check?: Check<string>
  normalize?: (item: string) => string
} = {}): Field<readonly string[], undefined> {
  const problemOf = (item: unknown) => {
    if (item === '' || item === undefined)
      return `must contain only non-empty strings: an entry is ${item === '' ? "an empty string, as from ''.split(',')" : 'undefined'}. ${UNSET}`
    if (typeof item !== 'string') return 'must contain only non-empty strings'
    return item.trim() !== item || CONTROL.test(item)
      ? 'has an entry with surrounding whitespace or with control characters'
      : check(item)
  }
  return optional({ type: 'strings' }, (value, mistakes) => {
    if (value === '') return mistakes.add(EMPTY)
    if (!Array.isArray(value)) return mistakes.add("must be an array of strings, as in ['…']")
    if (value.length === 0)
      return mistakes.add(`is an empty array: add an entry, or leave out the key. ${UNSET}`)
    // `Array.from` turns holes into `undefined`.
    const entries: unknown[] = Array.from(value)
    const problem = entries.map(problemOf).find((fix) => fix !== undefined)
    if (problem !== undefined) return mistakes.add(problem)
    const items = entries.map((item) => normalize(String(item)))
    return new Set(items).size === items.length
      ? items
      : mistakes.add('contains the same entry twice')
  })
}

/** An object whose values are non-empty strings. */
export function record(
  check: (name: string, value: string) => string | undefined,
  checkAll: Check<Readonly<Record<string, string>>> = () => undefined,
): Field<Readonly<Record<string, string>>, undefined> {
  const problemOf = ([name, value]: readonly [string, unknown]) => {
    if (typeof value !== 'string')
      return `must contain only strings: the value of ${printable(name)} is not a string`
    if (name === '' || value === '') return 'must contain only non-empty names and strings'
    return (
      check(name, value) ??
      (CONTROL.test(name + value) ? 'must not contain control characters' : undefined)
    )
  }
  return optional({ type: 'record' }, (value, mistakes) => {
    if (!isPlainObject(value))
      return mistakes.add("must be an object of strings, as in { name: 'value' }")
    const entries = Object.entries(value)
    const problem = entries.map(problemOf).find((fix) => fix !== undefined)
    if (problem !== undefined) return mistakes.add(problem)
    const result = Object.fromEntries(entries.map(([name, item]) => [name, String(item)]))
    const fix = checkAll(result)
    return fix === undefined ? result : mistakes.add(fix)
  })
}

/** A function. Its parameters cannot be checked. */
export function func<T extends (...args: never[]) => unknown>(): Field<T, undefined> {
  return optional({ type: 'function' }, (value, mistakes) =>
    typeof value === 'function' ? (value as T) : mistakes.add('must be a function'),
  )
}

/** An object of options with its own table. */
export function object<F extends Fields>(fields: F): Field<Values<F>, undefined> {
  return optional({ type: 'object', fields }, (value, mistakes) =>
    readFields(fields, value, mistakes),
  )
}

/** An absolute http or https URL, kept as href: issuers are compared character by character. */
export function url(check: Check<string> = () => undefined): Field<string, undefined> {
  const problemOf = (value: string) => {
    const { protocol, username, password, hash } = new URL(value)
    if (protocol !== 'https:' && protocol !== 'http:') return 'must be an https URL'
    // The URL parser accepts these, and removes them.
    if (/[\s\\\u0000-\u001f]/.test(value) || !/^https?:\/\//i.test(value))
      return 'must be an absolute URL, as in https://host/path, without whitespace and backslashes'
    return username !== '' || password !== '' || hash !== ''
      ? 'must not contain a user name, password or fragment'
      : check(value)
  }
  return optional({ type: 'url' }, (value, mistakes) => {
    const href = value instanceof URL ? String(value) : value
    if (typeof href !== 'string' || !URL.canParse(href))
      return mistakes.add('must be an absolute URL')
    const problem = problemOf(href)
    return problem === undefined ? href : mistakes.add(problem)
  })
}
