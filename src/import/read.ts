import { isObject } from '../http/json.js'
import { parseSeconds } from './duration.js'
import { type ImportDraft, InvalidConfiguration } from './draft.js'

/** One setting of another product's configuration. */
export interface Entry {
  /** Its name in reports, with its path, as in `google.email_domains`. */
  readonly name: string
  readonly value: unknown
  readonly draft: ImportDraft
}

/** Converts one setting. */
export type Handler = (entry: Entry) => void

/** The handlers of all settings that an object may have. */
export type HandlerTable = Readonly<Record<string, Handler>>

type Use<T> = (value: T, entry: Entry) => void

/** A non-empty string; an empty one counts as absent. */
export function text(use: Use<string>): Handler {
  return (entry) => {
    const { value, draft, name } = entry
    if (typeof value !== 'string') return draft.mistake(name, 'must be a string')
    if (value.trim() !== '') use(value.trim(), entry)
  }
}

/** An array of strings; an empty array counts as absent. */
export function texts(use: Use<readonly string[]>): Handler {
  return (entry) => {
    const { value, draft, name } = entry
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
      return draft.mistake(name, 'must be an array of strings')
    const items = [...new Set(value.map((item) => item.trim()))].filter((item) => item !== '')
    if (items.length > 0) use(items, entry)
    // Without it, a rule that no user meets would become none.
    else if (value.length > 0) draft.mistake(name, 'must not have only empty strings')
  }
}

/** `true` or `false`. */
export function flag(use: Use<boolean>): Handler {
  return (entry) => {
    const { value, draft, name } = entry
    if (typeof value !== 'boolean') return draft.mistake(name, 'must be true or false')
    use(value, entry)
  }
}

/** A duration, in seconds; 0 counts as absent. */
export function duration(use: Use<number>): Handler {
  return (entry) => {
    const { value, draft, name } = entry
    const seconds = parseSeconds(value)
    if (seconds === undefined)
      return draft.mistake(name, "must be a duration, as in 3600, '4h' or '1h30m'")
    if (seconds > 0) use(seconds, entry)
  }
}

/** An object of strings; an empty one counts as absent. */
export function textRecord(use: Use<Readonly<Record<string, string>>>): Handler {
  return (entry) => {
    const { value, draft, name } = entry
    if (!isObject(value) || !Object.values(value).every((item) => typeof item === 'string'))
      return draft.mistake(name, 'must be an object of strings')
    if (Object.keys(value).length > 0) use(value as Record<string, string>, entry)
  }
}

/** An object with settings of its own. */
export function nested(use: Use<Readonly<Record<string, unknown>>>): Handler {
  return (entry) => {
    const { value, draft, name } = entry
    if (!isObject(value)) return draft.mistake(name, 'must be an object')
    use(value, entry)
  }
}

/** A setting without a counterpart that is not missed. */
export const ignored: Handler = () => undefined

/** Reports that the options cannot express a setting. */
export function unsupported(message: string): Handler {
  return ({ name, draft }) => draft.cannot(name, message)
}

/** Reports that a setting behaves differently. */
export function different(message: string): Handler {
  return ({ name, draft }) => draft.differs(name, message)
}

/**
 * Converts every member of an object. `null` counts as absent, as in the JSON of Go programs, and
 * unknown members are reported.
 */
export function convert(
  source: Readonly<Record<string, unknown>>,
  table: HandlerTable,
  draft: ImportDraft,
  path = '',
): void {
  for (const [key, value] of Object.entries(source)) {
    if (value === undefined || value === null) continue
    const name = path + key
    const handler = Object.hasOwn(table, key) ? table[key] : undefined
    if (handler === undefined)
      draft.cannot(name, 'is unknown: check its spelling, or configure it by hand.')
    else handler({ name, value, draft })
  }
}

/** The object that an importer converts. Throws a `TypeError` for anything else. */
export function sourceObject(value: unknown, product: string): Record<string, unknown> {
  if (isObject(value)) return value
  throw new InvalidConfiguration(`${product}: the configuration must be an object`)
}
