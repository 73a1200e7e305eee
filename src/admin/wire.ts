import { isObject } from '../http/json.js'
import type { AdminErrorCode } from './error-codes.js'
import { AdminError } from './errors.js'
import { MAX_SECONDS } from './limits.js'
import { printable } from './strict-json.js'

/** A JSON Schema (2020-12), as OpenAPI 3.1 uses it. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/**
 * A field of a request body: what it accepts, and how it is read. Reading throws an
 * {@link AdminError} that names the field. `null` counts as absent, as programs in Go send it.
 */
export interface WireField<T = unknown> {
  readonly schema: JsonSchema
  /** `value` is `undefined` if the field is absent. */
  read(value: unknown, path: string): T
}

/** The fields of an object. */
export type WireFields = Readonly<Record<string, WireField>>

/** The values of {@link WireFields}. */
export type WireValues<F extends WireFields> = {
  readonly [Name in keyof F]: F[Name] extends WireField<infer T> ? T : never
}

const UNICODE_OR_CONTROL = /[^\x20-\x7e]/

/** Rejects a body. The message is that of the code, unless it is given. */
export function reject(code: AdminErrorCode, path: string, message?: string): never {
  throw new AdminError(code, { field: printable(path), ...(message !== undefined && { message }) })
}

/** Rejects a value of another type. */
export function wrongType(path: string, what: string): never {
  return reject('ERR_NGROK_215', path, `The value must be ${what}.`)
}

/** `true` or `false`. */
export function flag(absent: boolean, description: string): WireField<boolean> {
  return {
    schema: { type: ['boolean', 'null'], default: absent, description },
    read(value, path) {
      if (value === undefined || value === null) return absent
      return typeof value === 'boolean' ? value : wrongType(path, 'true or false')
    },
  }
}

/** Whole seconds, 0 if absent. */
export function wholeSeconds(
  description: string,
  {
    tooLong,
    negative = 'ERR_NGROK_215',
  }: Record<'tooLong', AdminErrorCode> & { negative?: AdminErrorCode },
): WireField<number> {
  return {
    schema: {
      type: ['integer', 'null'],
      minimum: 0,
      maximum: MAX_SECONDS,
      default: 0,
      description,
    },
    read(value, path) {
      if (value === undefined || value === null) return 0
      if (typeof value !== 'number' || !Number.isInteger(value))
        return wrongType(path, 'a whole number of seconds')
      if (value < 0) return reject(negative, path)
      return value > MAX_SECONDS ? reject(tooLong, path) : value
    },
  }
}

/** How strings are checked. */
export interface TextLimits {
  readonly maxLength: number
  readonly tooLong?: AdminErrorCode
  /** The code if the value is not valid. */
  readonly check?: (value: string) => AdminErrorCode | undefined
}

/** Checks a string. */
export function checkText(
  value: string,
  path: string,
  { maxLength, tooLong = 'ERR_NGROK_215', check }: TextLimits,
): string {
  if (value.length > maxLength) return reject(tooLong, path)
  const code = check?.(value)
  return code === undefined ? value : reject(code, path)
}

/** A string; `undefined` if it is absent or empty. */
export function text(description: string, limits: TextLimits): WireField<string | undefined> {
  return {
    schema: { type: ['string', 'null'], maxLength: limits.maxLength, description },
    read(value, path) {
      if (value === undefined || value === null || value === '') return undefined
      return typeof value === 'string'
        ? checkText(value, path, limits)
        : wrongType(path, 'a string')
    },
  }
}

/** Whether a string has only visible ASCII characters and inner spaces. */
export function isPrintable(value: string): boolean {
  return !UNICODE_OR_CONTROL.test(value) && value.trim() === value
}

/** An object with these fields, and no others; `undefined` if it is absent. */
export function object<F extends WireFields>(
  description: string,
  fields: F,
  unknownField: (name: string) => AdminErrorCode = () => 'ERR_NGROK_214',
): WireField<WireValues<F> | undefined> {
  return {
    schema: {
      type: ['object', 'null'],
      properties: Object.fromEntries(
        Object.entries(fields).map(([name, { schema }]) => [name, schema]),
      ),
      additionalProperties: false,
      description,
    },
    read(value, path) {
      if (value === undefined || value === null) return undefined
      if (!isObject(value)) return wrongType(path, 'an object')
      const at = (name: string) => (path === '' ? name : `${path}.${name}`)
      for (const name of Object.keys(value))
        if (!Object.hasOwn(fields, name)) return reject(unknownField(name), at(name))
      const entries = Object.entries(fields).map(([name, field]) => [
        name,
        field.read(Object.hasOwn(value, name) ? value[name] : undefined, at(name)),
      ])
      return Object.fromEntries(entries) as WireValues<F>
    },
  }
}

/** Accepts anything, and ignores it: what responses contain in addition. */
export function ignored(description: string): WireField<undefined> {
  return { schema: { readOnly: true, description }, read: () => undefined }
}
