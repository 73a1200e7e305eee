/**
 * Reads options one by one: each reader checks, and throws a `TypeError` that names the option and the cure and never
 * quotes the value, which may be a secret.
 */
export interface OptionReader {
  /** How the option is named in messages. */
  readonly at: string
  has(name: string): boolean
  /** All that was given, undefined or not. */
  keys(): readonly string[]
  value(name: string): unknown
  boolean(name: string, fallback: boolean): boolean
  seconds(name: string, fallback: number, limits?: { min?: number; max?: number }): number
  text(name: string, check?: { pattern?: RegExp; cure?: string; max?: number }): string | undefined
  oneOf<T extends string>(name: string, choices: readonly T[], fallback: T): T
  list(
    name: string,
    check: (item: string) => string | undefined,
    normalize?: (item: string) => string,
  ): string[] | undefined
  record(
    name: string,
    check: (key: string, value: string) => string | undefined,
  ): Record<string, string> | undefined
  function(name: string): ((...args: never[]) => unknown) | undefined
  object(name: string): OptionReader | undefined
  /** `isAllowed`: which addresses may be used, beside their form. */
  url(name: string, isAllowed?: (address: string) => boolean): URL | undefined
  /** Throws for every key that no reader knows. */
  only(known: readonly string[]): void
  fail(name: string, cure: string): never
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

const CONTROL = /[\u0000-\u001f\u007f]/

export function readOptions(source: unknown, at: string): OptionReader {
  if (!isRecord(source)) throw new TypeError(`${at} must be an object of options`)
  if (!isPlain(source)) throw new TypeError(`${at} must be a plain object of options`)
  // Without a prototype: what somebody put on Object.prototype is no option.
  const options: Record<string, unknown> = Object.assign(Object.create(null), source)
  const path = (name: string) => `${at}.${name}`
  const fail = (name: string, cure: string): never => {
    throw new TypeError(`${path(name)} ${cure}`)
  }

  const reader: OptionReader = {
    at,
    has: (name) => options[name] !== undefined,
    keys: () => Object.keys(options),
    value: (name) => options[name],
    fail,
    boolean(name, fallback) {
      const value = options[name] === undefined ? fallback : options[name]
      return typeof value === 'boolean' ? value : fail(name, 'must be true or false')
    },
    seconds(name, fallback, { min = 0, max = 400 * 86_400 } = {}) {
      const value = options[name] === undefined ? fallback : options[name]
      if (typeof value !== 'number' || !Number.isFinite(value))
        return fail(name, 'must be a number of seconds')
      if (value < min || value > max)
        return fail(name, `must be a number of seconds from ${min} to ${max}`)
      return value
    },
    text(name, { pattern, cure = 'has a form that is not allowed', max = 2048 } = {}) {
      const value = options[name]
      if (value === undefined) return undefined
      if (typeof value !== 'string' || value.trim() === '')
        return fail(name, 'must be a text that is not empty')
      if (value.length > max) return fail(name, `must have at most ${max} characters`)
      if (CONTROL.test(value)) return fail(name, 'must not hold control characters')
      if (value.trim() !== value) return fail(name, 'must not begin or end with a blank')
      if (pattern && !pattern.test(value)) return fail(name, cure)
      return value
    },
    oneOf(name, choices, fallback) {
      const value = options[name] === undefined ? fallback : options[name]
      const choice = choices.find((one) => one === value)
      return choice ?? fail(name, `must be one of ${choices.map((one) => `'${one}'`).join(', ')}`)
    },
    list(name, check, normalize = (item) => item) {
      const value = options[name]
      if (value === undefined) return undefined
      if (!Array.isArray(value)) return fail(name, "must be a list of texts, as in ['…']")
      if (value.length === 0)
        return fail(name, 'is an empty list: leave it out if there is no such rule')
      const items = Array.from(value, (item: unknown) => {
        if (typeof item !== 'string' || item === '')
          return fail(name, 'must hold only texts that are not empty')
        if (item.trim() !== item || CONTROL.test(item))
          return fail(name, 'has an entry with blanks or control characters around or in it')
        const complaint = check(item)
        return complaint === undefined ? normalize(item) : fail(name, complaint)
      })
      if (new Set(items).size !== items.length) return fail(name, 'names the same entry twice')
      return items
    },
    record(name, check) {
      const value = options[name]
      if (value === undefined) return undefined
      if (!isRecord(value) || !isPlain(value))
        return fail(name, "must be an object of texts, as in { name: 'value' }")
      const entries = Object.entries(value).map(([key, item]): [string, string] => {
        if (typeof item !== 'string')
          return fail(name, `must hold only texts; ${printable(key)} is none`)
        if (key === '' || item === '')
          return fail(name, 'must hold only names and texts that are not empty')
        const complaint =
          check(key, item) ??
          (CONTROL.test(key + item) ? 'must not hold control characters' : undefined)
        return complaint === undefined ? [key, item] : fail(name, complaint)
      })
      return Object.fromEntries(entries)
    },
    function(name) {
      const value = options[name]
      if (value === undefined) return undefined
      if (typeof value !== 'function') return fail(name, 'must be a function')
      return value as (...args: never[]) => unknown
    },
    object: (name) =>
      options[name] === undefined ? undefined : readOptions(options[name], path(name)),
    url(name, isAllowed = () => true) {
      const value = options[name] instanceof URL ? String(options[name]) : options[name]
      if (value === undefined) return undefined
      if (typeof value !== 'string' || !URL.canParse(value))
        return fail(name, 'must be an absolute URL')
      const url = new URL(value)
      if (url.protocol !== 'https:' && url.protocol !== 'http:')
        return fail(name, 'must be an https URL')
      // What a URL parser passes over; but issuers are compared as they are written.
      if (/[\s\\\u0000-\u001f]/.test(value) || !/^https?:\/\//i.test(value))
        return fail(
          name,
          'must be an absolute URL, as in https://host/path, without blanks and backslashes',
        )
      if (url.username !== '' || url.password !== '' || url.hash !== '')
        return fail(name, 'must hold no user, password or fragment')
      if (!isAllowed(value))
        return fail(name, 'must be an https URL (plain http only on this machine)')
      return url
    },
    only(known) {
      for (const key of Object.keys(options)) {
        if (known.includes(key)) continue
        const camel = key.replace(/_+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase())
        const meant = known.find((name) => name.toLowerCase() === camel.toLowerCase())
        throw new TypeError(
          `${at} has an unknown option ${printable(key)}${meant ? `: write ${meant}` : `; known are ${known.join(', ')}`}`,
        )
      }
    },
  }
  return reader
}

/** A key is no secret, but it may hold anything. */
export function printable(key: string): string {
  return `'${key.slice(0, 64).replace(/[^\x20-\x7e]/g, '?')}'`
}
