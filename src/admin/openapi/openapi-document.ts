import { isObject } from '../../http/json.js'
import { moduleField } from '../edges/module-fields.js'
import { ADMIN_ERRORS, type AdminErrorCode } from '../error-codes.js'
import { type Method, type Operation, RESOURCES } from '../resources.js'
import type { JsonSchema } from '../wire.js'
import { responseSchemas } from './response-schemas.js'

/** Errors of every operation. */
const EVERYWHERE: readonly AdminErrorCode[] = [
  'ERR_NGROK_201',
  'ERR_NGROK_203',
  'too_many_requests',
  'method_not_allowed',
  'store_unavailable',
]
/** Errors of every operation that changes something. */
const CHANGES: readonly AdminErrorCode[] = ['read_only_token']
/** Errors of every operation with a body. */
const BODIES: readonly AdminErrorCode[] = [
  'ERR_NGROK_210',
  'ERR_NGROK_216',
  'payload_too_large',
  'body_timeout',
  'ERR_NGROK_212',
  'ERR_NGROK_213',
  'ERR_NGROK_214',
  'ERR_NGROK_215',
]

const PARAMETERS = {
  page: [
    parameter('limit', 'The number of items.', {
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: 100,
    }),
    parameter('before_id', 'The ID of the last item that you have: the page starts after it.', {
      type: 'string',
    }),
  ],
  month: [
    parameter('month', 'A month in UTC. Default: the current one.', {
      type: 'string',
      pattern: '^\\d{4}-(0[1-9]|1[0-2])$',
    }),
  ],
} as const

const VERSION_HEADER = {
  name: 'ngrok-version',
  in: 'header',
  description: 'Accepted, and without effect.',
  schema: { type: 'string' },
}
const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  description: 'The ETag of the state that this change was made for. Otherwise, the last one wins.',
  schema: { type: 'string' },
}

/** Describes the API in OpenAPI 3.1, from the tables that it runs on. */
export function openApiDocument(version: string): JsonSchema {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Admin API of oauth-module',
      description:
        "Users, sessions and configuration of gates, in the formats of ngrok's API and of Auth0's connections. See docs/admin-api.md.",
      version,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'Where adminRouter() is mounted.' }],
    security: [{ token: [] }],
    paths: Object.fromEntries(
      RESOURCES.map(({ path, operations }) => [
        path,
        {
          ...pathParameters(path),
          ...Object.fromEntries(
            Object.entries(operations).map(([method, operation]) => [
              method.toLowerCase(),
              operationObject(path, method as Method, operation),
            ]),
          ),
        },
      ]),
    ),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { ...responseSchemas, ModuleBody: moduleField.schema },
    },
  }
}

/** A schema that refers to the body of a module, which occurs several times. */
function withReferences(schema: JsonSchema): JsonSchema {
  if (schema === moduleField.schema) return { $ref: '#/components/schemas/ModuleBody' }
  const members = Object.entries(schema).map(([name, member]) => [name, memberOf(member)])
  return Object.fromEntries(members) as JsonSchema
}

function memberOf(member: unknown): unknown {
  if (Array.isArray(member)) return member.map(memberOf)
  return isObject(member) ? withReferences(member) : member
}

function parameter(name: string, description: string, schema: JsonSchema) {
  return { name, in: 'query', description, schema }
}

function pathParameters(path: string): JsonSchema {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
  if (names.length === 0) return {}
  return {
    parameters: names.map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
  }
}

function operationObject(path: string, method: Method, operation: Operation): JsonSchema {
  const { id, summary, query, body, response, isVersioned } = operation
  const isChange = method !== 'GET'
  const parameters = [
    ...(query === undefined ? [] : PARAMETERS[query]),
    VERSION_HEADER,
    ...(isVersioned && isChange ? [IF_MATCH] : []),
  ]
  return {
    operationId: id,
    summary,
    parameters,
    ...(body !== undefined && {
      requestBody: { required: true, content: json(withReferences(body)) },
    }),
    responses: {
      200: {
        description: 'The operation succeeded.',
        ...(isVersioned && { headers: { ETag: { schema: { type: 'string' } } } }),
        content: json({ $ref: `#/components/schemas/${response}` }),
      },
      ...errorResponses(errorsOf(path, isChange, operation)),
    },
  }
}

function errorsOf(path: string, isChange: boolean, { body, errors }: Operation) {
  return [
    ...EVERYWHERE,
    ...(path.includes('{') ? (['not_found'] as const) : []),
    ...(isChange ? CHANGES : []),
    ...(body === undefined ? [] : BODIES),
    ...errors,
  ]
}

function errorResponses(codes: readonly AdminErrorCode[]): Record<string, JsonSchema> {
  const statuses = [...new Set(codes.map((code) => ADMIN_ERRORS[code][0]))].sort()
  return Object.fromEntries(
    statuses.map((status) => {
      const ofStatus = codes.filter((code) => ADMIN_ERRORS[code][0] === status)
      const schema = {
        allOf: [
          { $ref: '#/components/schemas/Error' },
          { properties: { error_code: { enum: ofStatus } } },
        ],
      }
      const description = ofStatus.map((code) => `${code}: ${ADMIN_ERRORS[code][1]}`).join('\n\n')
      return [String(status), { description, content: json(schema) }]
    }),
  )
}

function json(schema: JsonSchema): JsonSchema {
  return { 'application/json': { schema } }
}
