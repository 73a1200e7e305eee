import { type Fields, Mistakes, type Values } from './field.js'

/** Parses the options of one function. Throws a `TypeError` that lists all mistakes. */
export function parseFields<F extends Fields>(fields: F, source: unknown, at: string): Values<F> {
  const mistakes = new Mistakes(at)
  const values = readFields(fields, source, mistakes)
  mistakes.throwIfAny()
  return values
}

/**
 * Parses options as part of a configuration. The values are complete only if no mistake was added.
 */
export function readFields<F extends Fields>(
  fields: F,
  source: unknown,
  mistakes: Mistakes,
): Values<F> {
  const options = ownProperties(source, mistakes)
  for (const key of Object.keys(options ?? {}))
    if (!Object.hasOwn(fields, key)) mistakes.add(unknownOption(key, Object.keys(fields)))
  const entries = Object.entries(fields).map(([name, { parse, details }]) => {
    const value = options?.[name]
    if (value === undefined && options !== undefined && details.missing !== undefined)
      mistakes.at(name).add(details.missing)
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

function unknownOption(key: string, known: readonly string[]): string {
  const name = nearest(
    key.replace(/_+([a-z0-9])/gi, (_, letter: string) => letter),
    known,
  )
  const hint = name === undefined ? `; known are ${known.join(', ')}` : `: write ${name}`
  return `has an unknown option ${printable(key)}${hint}`
}

/** The known name that differs only in case or in a few letters. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase()
  const distances = known.map((candidate) => ({
    candidate,
    distance: editDistance(lower, candidate.toLowerCase()),
  }))
  const [best] = distances.sort((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= Math.min(2, best.candidate.length / 4)
    ? best.candidate
    : undefined
}

/** Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [i, letter] of Array.from(from.slice(0, 64)).entries()) {
    const next = [i + 1]
    for (const [j, other] of Array.from(to).entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}

/** Whether a value is an object literal rather than an instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** Quotes the name of an option for a message: a name is not secret, but may contain anything. */
export function printable(key: string): string {
  return `'${key.slice(0, 64).replace(/[^\x20-\x7e]/g, '?')}'`
}
