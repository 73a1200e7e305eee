import { Field, type Fields, type FieldSchema, type Parse, type Values } from './field.js'
import { isPlainObject, printable, readFields } from './read-fields.js'

/** Checks a value further; returns how to fix it, or `undefined` if it is valid. */
type Check<T> = (value: T) => string | undefined

const CONTROL = /[\u0000-\u001f\u007f]/
const LONGEST_SECONDS = 400 * 86_400

function optional<T>(schema: FieldSchema, parse: Parse<T>): Field<T, undefined> {
  return new Field(schema, parse, { absent: undefined })
}

/** An option that is parsed in its own way. */
export function custom<T>(parse: Parse<T>): Field<T, undefined> {
  return optional({ type: 'any' }, parse)
}

export function boolean(): Field<boolean, undefined> {
  return optional({ type: 'boolean' }, (value, mistakes) =>
    typeof value === 'boolean' ? value : mistakes.add('must be true or false'),
  )
}

/** Seconds in the option, milliseconds in the configuration. The longest time is 400 days, the longest life of a cookie. */
export function seconds({ min = 0, max = LONGEST_SECONDS } = {}): Field<number, undefined> {
  return optional({ type: 'seconds', min, max }, (value, mistakes) => {
    if (typeof value !== 'number' || !Number.isFinite(value))
      return mistakes.add('must be a number of seconds')
    if (value < min || value > max)
      return mistakes.add(`must be a number of seconds from ${min} to ${max}`)
    return value * 1000
  })
}

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
  const complaint = (value: string) => {
    if (value.length > max) return `must have at most ${max} characters`
    if (CONTROL.test(value)) return 'must not contain control characters'
    if (value.trim() !== value) return 'must not start or end with whitespace'
    return pattern !== undefined && !pattern.test(value) ? fix : check(value)
  }
  return optional({ type: 'string', max, pattern }, (value, mistakes) => {
    if (typeof value !== 'string' || value.trim() === '')
      return mistakes.add('must be a non-empty string')
    const found = complaint(value)
    return found === undefined ? normalize(value) : mistakes.add(found)
  })
}

export function oneOf<const T extends string | boolean>(values: readonly T[]): Field<T, undefined> {
  const names = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)))
  return optional(
    { type: 'enum', values },
    (value, mistakes) =>
      values.find((one) => one === value) ?? mistakes.add(`must be one of ${names.join(', ')}`),
  )
}

/** A non-empty array of distinct, non-empty strings. Compared after `normalize`. */
export function strings({
  check = () => undefined,
  normalize = (item) => item,
}: {
  check?: Check<string>
  normalize?: (item: string) => string
} = {}): Field<readonly string[], undefined> {
  const complaint = (item: unknown) => {
    if (typeof item !== 'string' || item === '') return 'must contain only non-empty strings'
    return item.trim() !== item || CONTROL.test(item)
      ? 'has an entry with surrounding whitespace or with control characters'
      : check(item)
  }
  return optional({ type: 'strings' }, (value, mistakes) => {
    if (!Array.isArray(value)) return mistakes.add("must be an array of strings, as in ['…']")
    if (value.length === 0)
      return mistakes.add('is an empty array: leave it out if there is no such rule')
    // `Array.from` turns holes into `undefined`.
    const entries: unknown[] = Array.from(value)
    const found = entries.map(complaint).find((one) => one !== undefined)
    if (found !== undefined) return mistakes.add(found)
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
  const complaint = ([name, value]: readonly [string, unknown]) => {
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
    const found = entries.map(complaint).find((one) => one !== undefined)
    if (found !== undefined) return mistakes.add(found)
    const result = Object.fromEntries(entries.map(([name, item]) => [name, String(item)]))
    const fix = checkAll(result)
    return fix === undefined ? result : mistakes.add(fix)
  })
}

export function func<T extends (...args: never[]) => unknown>(): Field<T, undefined> {
  return optional({ type: 'function' }, (value, mistakes) =>
    typeof value === 'function' ? (value as T) : mistakes.add('must be a function'),
  )
}

export function object<F extends Fields>(fields: F): Field<Values<F>, undefined> {
  return optional({ type: 'object', fields }, (value, mistakes) =>
    readFields(fields, value, mistakes),
  )
}

/** An absolute http or https URL, kept as written: issuers are compared character by character. */
export function url(check: Check<string> = () => undefined): Field<string, undefined> {
  const complaint = (value: string) => {
    const { protocol, username, password, hash } = new URL(value)
    if (protocol !== 'https:' && protocol !== 'http:') return 'must be an https URL'
    // The URL parser accepts and removes these.
    if (/[\s\\\u0000-\u001f]/.test(value) || !/^https?:\/\//i.test(value))
      return 'must be an absolute URL, as in https://host/path, without whitespace and backslashes'
    return username !== '' || password !== '' || hash !== ''
      ? 'must not contain a user name, password or fragment'
      : check(value)
  }
  return optional({ type: 'url' }, (value, mistakes) => {
    const written = value instanceof URL ? String(value) : value
    if (typeof written !== 'string' || !URL.canParse(written))
      return mistakes.add('must be an absolute URL')
    const found = complaint(written)
    return found === undefined ? written : mistakes.add(found)
  })
}
