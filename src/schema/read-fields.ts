import { type Fields, Mistakes, type Values } from './field.js'
import { type OtherOptions, unknownOption } from './suggestions.js'

/** Parses the options of one function. Throws a `TypeError` that lists all mistakes. */
export function parseFields<F extends Fields>(fields: F, source: unknown, at: string): Values<F> {
  const mistakes = new Mistakes(at)
  const values = readFields(fields, source, mistakes)
  mistakes.throwIfAny()
  return values
}

/**
 * Parses options as part of a configuration. The values are complete only if no mistake was added.
 * `elsewhere` are options that may have been set at the wrong place.
 */
export function readFields<F extends Fields>(
  fields: F,
  source: unknown,
  mistakes: Mistakes,
  elsewhere?: OtherOptions,
): Values<F> {
  const options = ownProperties(source, mistakes)
  for (const key of Object.keys(options ?? {}))
    if (!Object.hasOwn(fields, key))
      mistakes.add(unknownOption(key, Object.keys(fields), elsewhere))
  const entries = Object.entries(fields).map(([name, { parse, details }]) => {
    const value = options?.[name]
    if (value === undefined && options !== undefined) {
      const { missing, whenUndefined = missing } = details
      const fix = Object.hasOwn(options, name) ? whenUndefined : missing
      if (fix !== undefined) mistakes.at(name).add(fix)
    }
    const parsed = value === undefined ? undefined : parse(value, mistakes.at(name))
    return [name, parsed === undefined ? details.absent : parsed]
  })
  return Object.fromEntries(entries) as Values<F>
}

/**
 * A copy without a prototype: a property that other code adds to `Object.prototype` is not an
 * option.
 */
function ownProperties(source: unknown, mistakes: Mistakes): Record<string, unknown> | undefined {
  if (typeof source !== 'object' || source === null || Array.isArray(source))
    return mistakes.add('must be an object of options')
  if (!isPlainObject(source)) return mistakes.add('must be a plain object of options')
  return Object.assign(Object.create(null) as Record<string, unknown>, source)
}

/** Whether a value is an object literal rather than an instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
