import { Field, type Parse } from './field.js'
import { isPlainObject } from './read-fields.js'
import { printable } from './suggestions.js'

/** As the names of providers: they become part of paths and log lines. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?$/

/** A non-empty object of names, whose values one field parses. */
export function map<T>(field: Field<T>): Field<Readonly<Record<string, T>>, undefined> {
  const parse: Parse<Readonly<Record<string, T>>> = (value, mistakes) => {
    if (!isPlainObject(value)) return mistakes.add('must be an object of names')
    const entries = Object.entries(value)
    if (entries.length === 0) return mistakes.add('is empty: add an entry, or leave out the key')
    const parsed = entries.map(([name, item]) => {
      const at = mistakes.at(printable(name).slice(1, -1))
      if (!NAME.test(name))
        at.add('has a name that is not allowed: use letters, digits and dashes, at most 64')
      if (item === undefined) at.add('is undefined: set it, or leave out the key')
      return [name, item === undefined ? undefined : field.parse(item, at)] as const
    })
    return parsed.every((entry): entry is readonly [string, T] => entry[1] !== undefined)
      ? Object.fromEntries(parsed)
      : undefined
  }
  return new Field<Readonly<Record<string, T>>, undefined>(
    { type: 'map', of: field.schema },
    parse,
    { absent: undefined },
  )
}
