import { isObject } from '../http/json.js'
import type { AdminErrorCode } from './error-codes.js'
import {
  checkText,
  type JsonSchema,
  reject,
  type TextLimits,
  type WireField,
  wrongType,
} from './wire.js'

/** How lists of strings are checked. */
export interface ListLimits extends TextLimits {
  readonly maxItems: number
  readonly tooMany: AdminErrorCode
  readonly empty: AdminErrorCode
  readonly duplicate: AdminErrorCode
  /** What entries are compared by. Default: as they are. */
  readonly normalize?: (value: string) => string
}

/** A list of distinct strings; `undefined` if it is absent or empty. */
export function texts(
  description: string,
  limits: ListLimits,
): WireField<readonly string[] | undefined> {
  const { maxItems, maxLength, normalize = (item: string) => item } = limits
  return {
    schema: {
      type: ['array', 'null'],
      items: { type: 'string', minLength: 1, maxLength },
      maxItems,
      uniqueItems: true,
      description,
    },
    read(value, path) {
      if (value === undefined || value === null) return undefined
      if (!Array.isArray(value)) return wrongType(path, 'an array of strings')
      const entries: readonly unknown[] = value
      if (entries.length > maxItems) return reject(limits.tooMany, path)
      const seen = new Set<string>()
      const items = entries.map((item, index) => {
        const at = `${path}[${index}]`
        if (typeof item !== 'string') return wrongType(at, 'a string')
        if (item.trim() === '') return reject(limits.empty, at)
        if (seen.has(normalize(item))) return reject(limits.duplicate, at)
        seen.add(normalize(item))
        return checkText(item, at, limits)
      })
      return items.length === 0 ? undefined : items
    },
  }
}

/** An object of strings; `undefined` if it is absent or empty. */
export function textRecord(
  description: string,
  { maxLength, maxItems }: { readonly maxLength: number; readonly maxItems: number },
): WireField<Readonly<Record<string, string>> | undefined> {
  return {
    schema: {
      type: ['object', 'null'],
      additionalProperties: { type: 'string', maxLength },
      maxProperties: maxItems,
      description,
    },
    read(value, path) {
      if (value === undefined || value === null) return undefined
      if (!isObject(value)) return wrongType(path, 'an object of strings')
      const entries = Object.entries(value)
      if (entries.length > maxItems)
        return reject('ERR_NGROK_215', path, `There must be at most ${maxItems} names.`)
      const texts = entries.map(([name, item]) => {
        const at = `${path}.${name}`
        if (typeof item !== 'string') return wrongType(at, 'a string')
        return [name, checkText(item, at, { maxLength })] as const
      })
      return texts.length === 0 ? undefined : Object.fromEntries(texts)
    },
  }
}

/** A value that is only looked at: whether it is there, and of this type. */
export function present(
  description: string,
  schema: JsonSchema,
  isValid: (value: unknown) => boolean,
): WireField<boolean> {
  return {
    schema: { ...schema, description },
    read(value, path) {
      if (value === undefined || value === null) return false
      return isValid(value) || wrongType(path, description)
    },
  }
}
