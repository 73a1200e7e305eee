import { builtinProviders } from '../providers/index.js'
import { fieldsOfType, providerTypes, type ProviderType } from '../providers/provider-types.js'
import type { Field, Fields, FieldSchema } from '../schema/field.js'
import { optionFields } from './fields.js'

/** A JSON Schema, draft 7: the draft that editors support. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
}

const DURATION: JsonSchema = {
  type: 'string',
  pattern: '^(\\d{1,9}(\\.\\d{1,3})?(ms|[smhd]))+$',
}

/** Where a secret comes from, other than the string itself. */
const SEALED: JsonSchema = {
  type: 'object',
  properties: { sealed: { type: 'string', description: 'Output of `oauth-module seal`.' } },
  required: ['sealed'],
  additionalProperties: false,
}

/** The JSON Schema of the value of a field; `undefined` if only code can supply it. */
function schemaOf(schema: FieldSchema): JsonSchema | undefined {
  switch (schema.type) {
    case 'boolean':
      return { type: 'boolean' }
    case 'string':
      return stringSchema(schema)
    case 'secret':
      return { anyOf: [{ type: 'string', minLength: 1 }, { $ref: '#/definitions/secret' }] }
    case 'url':
      return { type: 'string', format: 'uri' }
    case 'strings':
      return {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        minItems: 1,
        uniqueItems: true,
      }
    case 'record':
      return { type: 'object', additionalProperties: { type: 'string', minLength: 1 } }
    case 'seconds':
      return { anyOf: [{ type: 'number', minimum: schema.min, maximum: schema.max }, DURATION] }
    case 'integer':
      return { type: 'integer', minimum: schema.min, maximum: schema.max }
    case 'enum':
      return { enum: schema.values }
    case 'array':
      return { type: 'array', items: schemaOf(schema.of) ?? {}, minItems: 1 }
    case 'map':
      return { type: 'object', additionalProperties: schemaOf(schema.of) ?? {}, minProperties: 1 }
    case 'anyOf':
      return { anyOf: schema.of.flatMap((one) => schemaOf(one) ?? []) }
    case 'object': {
      const object = objectSchema(schema.fields)
      return Object.keys(object.properties).length === 0 ? undefined : object
    }
    case 'function':
    case 'any':
      return undefined
  }
}

function stringSchema({ max, pattern }: Extract<FieldSchema, { type: 'string' }>): JsonSchema {
  // JSON Schema has no flags.
  const source = pattern?.flags === '' ? { pattern: pattern.source } : {}
  return { type: 'string', minLength: 1, maxLength: max, ...source }
}

interface ObjectSchema extends JsonSchema {
  readonly properties: Readonly<Record<string, JsonSchema>>
}

/** The JSON Schema of an object of options. */
export function objectSchema(
  fields: Fields,
  more: Readonly<Record<string, JsonSchema>> = {},
): ObjectSchema {
  const properties = Object.entries(fields).flatMap(([name, field]) => {
    const schema = more[name] ?? schemaOf(field.schema)
    return schema === undefined ? [] : [[name, { ...schema, ...annotations(field) }] as const]
  })
  const required = Object.keys(fields).filter((name) => fields[name]?.details.missing !== undefined)
  return {
    type: 'object',
    properties: { ...Object.fromEntries(properties) },
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  }
}

function annotations({ schema, details }: Field): JsonSchema {
  const unit = schema.type === 'seconds' ? " In seconds, or with a unit, as in '12h'." : ''
  const description = `${details.description ?? ''}${unit}`.trim()
  return {
    ...(description !== '' && { description }),
    ...(details.default !== undefined && { default: details.default }),
  }
}

/** The definitions that {@link optionProperties} refer to. */
export function schemaDefinitions(): Readonly<Record<string, JsonSchema>> {
  const types = Object.keys(providerTypes) as ProviderType[]
  return {
    secret: SEALED,
    ...Object.fromEntries(types.map((type) => [type, objectSchema(fieldsOfType(type))])),
    ...Object.fromEntries(types.map((type) => [`${type} provider`, typedProvider(type)])),
    provider: { anyOf: types.map((type) => ({ $ref: `#/definitions/${type} provider` })) },
    dev: {
      type: 'object',
      description: 'The development provider.',
      properties: { port: { type: 'integer', minimum: 1, maximum: 65_535, default: 4800 } },
    },
  }
}

/** A provider with a `type`, under a name of your choice. */
function typedProvider(type: ProviderType): JsonSchema {
  const { properties, required = [], ...rest } = objectSchema(fieldsOfType(type))
  return {
    ...rest,
    properties: { type: { const: type }, ...properties },
    required: ['type', ...(required as string[])],
  }
}

/** The properties of the options of `oauthModule()` as JSON. */
export function optionProperties(): ObjectSchema['properties'] {
  return objectSchema(optionFields, { provider: providerSchema(), store: storeSchema }).properties
}

const storeSchema: JsonSchema = {
  type: 'string',
  pattern: '^(memory$|cookie$|rediss?://)',
  examples: ['memory', 'cookie', 'redis://127.0.0.1:6379'],
}

function providerSchema(): JsonSchema {
  const names = Object.keys(builtinProviders)
  const typed = { $ref: '#/definitions/provider' }
  const properties = names.map((name) => [
    name,
    { anyOf: [{ $ref: `#/definitions/${name}` }, typed] },
  ])
  return {
    anyOf: [
      { enum: [...names, 'dev'] },
      {
        type: 'object',
        minProperties: 1,
        properties: {
          ...(Object.fromEntries(properties) as Record<string, JsonSchema>),
          dev: { $ref: '#/definitions/dev' },
        },
        additionalProperties: typed,
      },
    ],
  }
}

/** The JSON Schema of the options of `oauthModule()`. */
export function optionsSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: optionProperties(),
    required: ['provider'],
    additionalProperties: false,
    definitions: schemaDefinitions(),
  }
}
