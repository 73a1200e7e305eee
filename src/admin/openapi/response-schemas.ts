import { listOptions, providerNames } from '../edges/module-fields.js'
import { ADMIN_ERRORS } from '../error-codes.js'
import type { JsonSchema } from '../wire.js'

const string = { type: 'string' }
const id = { type: 'string', pattern: '^[A-Za-z0-9_.-]+$' }
const uri = { type: 'string', format: 'uri' }
const time = { type: 'string', format: 'date-time' }
const boolean = { type: 'boolean' }
const seconds = { type: 'integer', minimum: 0 }
const stringOrNull = { type: ['string', 'null'] }
const numberOrNull = { type: ['number', 'null'] }
const strings = { type: 'array', items: string }
const stringRecord = { type: 'object', additionalProperties: string }
const timeOrNull = { type: ['string', 'null'], format: 'date-time' }

/** An object that has exactly these members. */
function exactly(properties: Readonly<Record<string, JsonSchema>>, more = {}): JsonSchema {
  return {
    type: 'object',
    properties: { ...properties, ...more },
    required: Object.keys(properties),
    additionalProperties: false,
  }
}

function ref(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}

function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] }
}

function listOf(name: string, items: string): JsonSchema {
  return exactly({
    [name]: { type: 'array', items: ref(items) },
    uri,
    next_page_uri: { type: ['string', 'null'], format: 'uri' },
  })
}

const reference = exactly({ id, uri })

const user = exactly({
  id,
  uri,
  identity_provider: exactly({ name: string, url: string }),
  provider_user_id: string,
  username: stringOrNull,
  email: stringOrNull,
  name: stringOrNull,
  created_at: time,
  last_active: time,
  last_login: time,
})

const session = exactly({
  id,
  uri,
  public_url: string,
  browser_session: exactly({
    user_agent: exactly({
      raw: string,
      browser_name: stringOrNull,
      browser_version: stringOrNull,
      device_type: stringOrNull,
      os_name: stringOrNull,
      os_version: stringOrNull,
    }),
    ip_address: string,
    location: orNull(
      exactly({
        country_code: stringOrNull,
        latitude: numberOrNull,
        longitude: numberOrNull,
        lat_long_radius_km: numberOrNull,
      }),
    ),
  }),
  application_user: orNull(ref('Reference')),
  created_at: time,
  last_active: time,
  expires_at: timeOrNull,
  endpoint: { type: 'null' },
  edge: orNull(ref('Reference')),
  route: orNull(ref('Reference')),
})

/** A provider of a module: `client_secret` is never part of a response. */
function providerSchema(name: string): JsonSchema {
  const lists = Object.keys(listOptions).filter(
    (field) => name === 'github' || (field !== 'teams' && field !== 'organizations'),
  )
  return exactly({
    client_id: stringOrNull,
    ...Object.fromEntries(lists.map((field) => [field, strings])),
  })
}

const moduleMembers = {
  enabled: boolean,
  provider: exactly(
    Object.fromEntries(providerNames.map((name) => [name, orNull(providerSchema(name))])),
  ),
  options_passthrough: boolean,
  cookie_prefix: string,
  inactivity_timeout: seconds,
  maximum_duration: seconds,
  auth_check_interval: seconds,
  x_other_providers: strings,
}

const connection = {
  id,
  name: string,
  strategy: { const: 'oauth2' },
  display_name: string,
  options: exactly({
    client_id: stringOrNull,
    authorizationURL: uri,
    tokenURL: uri,
    scope: stringOrNull,
    icon_url: { type: ['string', 'null'], format: 'uri' },
    authParams: stringRecord,
    authParamsMap: stringRecord,
    customHeaders: stringRecord,
  }),
}

const error = exactly({
  error_code: { enum: Object.keys(ADMIN_ERRORS) },
  status_code: { type: 'integer' },
  msg: string,
  details: {
    type: 'object',
    properties: { field: string },
    additionalProperties: false,
  },
})

/** The schemas of all responses. A test checks responses of the API with them. */
export const responseSchemas = {
  Reference: reference,
  User: user,
  UserList: listOf('application_users', 'User'),
  Session: session,
  SessionList: listOf('application_sessions', 'Session'),
  Usage: exactly({
    month: { type: 'string', pattern: '^\\d{4}-\\d{2}$' },
    monthly_active_users: { type: 'integer', minimum: 0 },
  }),
  Module: exactly(moduleMembers),
  ChangedModule: exactly({ ...moduleMembers, x_warnings: strings }),
  Connection: exactly(connection),
  ConnectionList: { type: 'array', items: ref('Connection') },
  ChangedConnection: exactly({ ...connection, ignored: strings, x_warnings: strings }),
  Empty: exactly({}),
  Error: error,
} as const satisfies Record<string, JsonSchema>

/** The name of a schema. */
export type ResponseName = Exclude<keyof typeof responseSchemas, 'Reference' | 'Error'>
