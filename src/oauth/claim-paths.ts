import { isObject } from '../http/json.js'
import type { Claims } from './identity.js'

/**
 * The claim at a path such as `realm_access.roles`, or `undefined`; `null` counts as absent. A name
 * that contains dots itself (`https://acme.example/roles`) takes precedence over a path.
 */
export function claimAt(claims: Claims, path: string): unknown {
  return valueAt(claims, path.split('.')) ?? undefined
}

/** Only own members: a path must not reach `constructor`. */
function valueAt(value: unknown, segments: readonly string[]): unknown {
  if (segments.length === 0) return value
  if (!isObject(value) && !Array.isArray(value)) return undefined
  for (let count = segments.length; count > 0; count--) {
    const name = segments.slice(0, count).join('.')
    if (!Object.hasOwn(value, name) || (Array.isArray(value) && !/^\d+$/.test(name))) continue
    const found = valueAt((value as Claims)[name], segments.slice(count))
    if (found !== undefined) return found
  }
  return undefined
}

/** The strings of a claim, and the shape of what is not one, for the log. */
export interface ClaimStrings {
  readonly strings: readonly string[]
  readonly unusable: string | undefined
}

/** An array of strings; one string counts as an array of one, and integers as strings. */
export function claimStrings(value: unknown): ClaimStrings {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [value]
  const strings = entries.flatMap((entry) => claimString(entry) ?? [])
  const other = entries.find((entry) => claimString(entry) === undefined && entry !== '')
  if (other === undefined || other === null) return { strings, unusable: undefined }
  return {
    strings,
    unusable: Array.isArray(value) ? `an array with ${shapeOf(other)}` : shapeOf(other),
  }
}

/** A string, or an integer as a string; `undefined` for anything else. */
export function claimString(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The type of a value in JSON. */
export function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  return value !== null && typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
