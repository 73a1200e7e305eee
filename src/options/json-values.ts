import type { FieldSchema, Fields, Mistakes } from '../schema/field.js'
import { isPlainObject } from '../schema/read-fields.js'
import { printable } from '../schema/suggestions.js'
import { openSealedSecret } from './sealed-secrets.js'

/** Units of durations such as `'12h'` and `'1h30m'`, in seconds. */
const UNITS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const
const DURATION = /^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|[smhd]))+$/

const DURATION_FIX = "must be a number of seconds, or have units, as in '90s', '12h' or '1h30m'"

/** A duration such as `'12h'`; `undefined` if it is not one. */
export function secondsOf(duration: string): number | undefined {
  if (!DURATION.test(duration)) return undefined
  const parts = duration.matchAll(/(\d{1,9}(?:\.\d{1,3})?)(ms|[smhd])/g)
  return [...parts].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * UNITS[unit as keyof typeof UNITS],
    0,
  )
}

/**
 * Converts a value from JSON to the value of the option: durations to seconds, sealed secrets to
 * secrets. What is wrong with the option itself is left as it is: `oauthModule()` reports it.
 */
export function fromJsonValue(
  schema: FieldSchema,
  value: unknown,
  secrets: readonly string[],
  mistakes: Mistakes,
): unknown {
  switch (schema.type) {
    case 'seconds':
      return typeof value === 'string' ? (secondsOf(value) ?? mistakes.add(DURATION_FIX)) : value
    case 'secret':
      return fromJsonSecret(value, secrets, mistakes)
    case 'array':
      return Array.isArray(value)
        ? value.map((item, index) => fromJsonValue(schema.of, item, secrets, mistakes.item(index)))
        : value
    case 'map':
      return fromJsonMap(schema.of, value, secrets, mistakes)
    case 'anyOf':
      return schema.of.reduce(
        (converted, one) =>
          converted === value ? fromJsonValue(one, value, secrets, mistakes) : converted,
        value,
      )
    case 'object':
      return isPlainObject(value) ? fromJsonObject(schema.fields, value, secrets, mistakes) : value
    case 'function':
    case 'any':
      return mistakes.add('can only be set in code: it has no form in JSON')
    default:
      return value
  }
}

function fromJsonMap(
  of: FieldSchema,
  value: unknown,
  secrets: readonly string[],
  mistakes: Mistakes,
): unknown {
  if (!isPlainObject(value)) return value
  const entries = Object.entries(value).map(
    ([name, item]) =>
      [name, fromJsonValue(of, item, secrets, mistakes.at(printable(name).slice(1, -1)))] as const,
  )
  return Object.fromEntries(entries)
}

/** Converts every property that has a field. */
export function fromJsonObject(
  fields: Fields,
  value: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
  mistakes: Mistakes,
): Record<string, unknown> {
  const entries = Object.entries(value).map(([name, item]) => {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    return [
      name,
      field === undefined ? item : fromJsonValue(field.schema, item, secrets, mistakes.at(name)),
    ] as const
  })
  return Object.fromEntries(entries)
}

function fromJsonSecret(value: unknown, secrets: readonly string[], mistakes: Mistakes): unknown {
  if (!isPlainObject(value) || typeof value['sealed'] !== 'string') return value
  const secret = openSealedSecret({ sealed: value['sealed'] }, secrets)
  if (secret === undefined)
    mistakes.add('is sealed with another secret: seal it again with the current secret')
  return secret
}
