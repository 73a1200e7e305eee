import type { JsonSchema } from '../options/json-schema.js'

/** Shorter ones are not worth a reference. */
const MIN_LENGTH = 60

/** Makes definitions of the properties that a schema contains more than once, as providers do. */
export function shareRepeated(schema: JsonSchema): JsonSchema {
  const repeated = namesOfRepeated(schema)
  const shared = [...repeated].map(([text, name]) => {
    const definition = JSON.parse(text) as Record<string, unknown>
    return [name, replaceMembers(definition, repeated)] as const
  })
  const replaced = replaceMembers({ ...schema }, repeated) as JsonSchema
  const definitions = replaced['definitions'] as JsonSchema
  return { ...replaced, definitions: { ...definitions, ...Object.fromEntries(shared) } }
}

/** The name of the definition of each property, by the JSON of the property. */
function namesOfRepeated(schema: JsonSchema): ReadonlyMap<string, string> {
  const counts = new Map<string, { property: string; count: number }>()
  visitProperties(schema, (property, text) => {
    const known = counts.get(text) ?? { property, count: 0 }
    counts.set(text, { ...known, count: known.count + 1 })
  })
  const names = new Map<string, string>()
  const taken = new Map<string, number>()
  for (const [text, { property, count }] of counts) {
    if (count === 1 || text.length < MIN_LENGTH) continue
    const number = (taken.get(property) ?? 0) + 1
    taken.set(property, number)
    names.set(text, `option ${property}${number === 1 ? '' : ` ${number}`}`)
  }
  return names
}

function visitProperties(value: unknown, visit: (name: string, text: string) => void): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    if (key === 'properties')
      for (const [name, one] of Object.entries(member as object)) visit(name, JSON.stringify(one))
    visitProperties(member, visit)
  }
}

function replaceMembers(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((one) => replaceMembers(one, names))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === 'properties'
        ? replaceProperties(member as object, names)
        : replaceMembers(member, names),
    ]),
  )
}

function replaceProperties(properties: object, names: ReadonlyMap<string, string>): object {
  return Object.fromEntries(
    Object.entries(properties).map(([property, schema]) => {
      const name = names.get(JSON.stringify(schema))
      return [
        property,
        name === undefined ? replaceMembers(schema, names) : { $ref: `#/definitions/${name}` },
      ]
    }),
  )
}
