import type { AdminApi, AdminRequest } from './api.js'
import { connectionField } from './connections/connection-fields.js'
import type { Connections } from './connections/connections.js'
import type { EdgeModules } from './edges/edge-modules.js'
import { moduleField, moduleRequestField } from './edges/module-fields.js'
import type { AdminErrorCode } from './error-codes.js'
import { CHANGE, CONNECTION, LISTED, MODULE, READ } from './operation-errors.js'
import type { ResponseName } from './openapi/response-schemas.js'
import type { JsonSchema } from './wire.js'

/** What the operations are methods of. */
export interface AdminApis {
  readonly users: AdminApi
  readonly edges: EdgeModules
  readonly connections: Connections
}

/** A method of a resource. HEAD is GET without a body. (RFC 9110, 9.3.2) */
export type Method = 'GET' | 'PUT' | 'PATCH' | 'DELETE'

/** An operation: what it does, and its documentation. */
export interface Operation {
  /** Names the operation in the OpenAPI document. */
  readonly id: string
  readonly run: (apis: AdminApis, request: AdminRequest) => Promise<object>
  readonly summary: string
  /** The query parameters. */
  readonly query?: 'page' | 'month'
  /** The body. */
  readonly body?: JsonSchema
  readonly response: ResponseName
  /** Whether the response has an `ETag`. */
  readonly isVersioned?: true
  /** Errors, beyond those of every operation, and those of every body. */
  readonly errors: readonly AdminErrorCode[]
}

/** A resource of the API: its path, and its operations by HTTP method. */
export interface Resource {
  /** With parameters in braces. */
  readonly path: string
  readonly operations: Readonly<Partial<Record<Method, Operation>>>
}

/** All resources. The API, its OpenAPI document, and a test of its documentation follow from it. */
export const RESOURCES: readonly Resource[] = [
  {
    path: '/app/users',
    operations: {
      GET: {
        id: 'listUsers',
        run: ({ users }, request) => users.listUsers(request),
        summary: 'List users, newest first',
        query: 'page',
        response: 'UserList',
        errors: ['invalid_limit', 'invalid_before_id', ...LISTED],
      },
    },
  },
  {
    path: '/app/users/{id}',
    operations: {
      GET: {
        id: 'getUser',
        run: ({ users }, request) => users.getUser(request),
        summary: 'Get a user',
        response: 'User',
        errors: [],
      },
      DELETE: {
        id: 'deleteUser',
        run: ({ users }, request) => users.deleteUser(request),
        summary: 'End all sessions of a user, and delete the user',
        response: 'Empty',
        errors: LISTED,
      },
    },
  },
  {
    path: '/app/sessions',
    operations: {
      GET: {
        id: 'listSessions',
        run: ({ users }, request) => users.listSessions(request),
        summary: 'List sessions, newest first',
        query: 'page',
        response: 'SessionList',
        errors: ['invalid_limit', 'invalid_before_id', ...LISTED],
      },
    },
  },
  {
    path: '/app/sessions/{id}',
    operations: {
      GET: {
        id: 'getSession',
        run: ({ users }, request) => users.getSession(request),
        summary: 'Get a session',
        response: 'Session',
        errors: [],
      },
      DELETE: {
        id: 'deleteSession',
        run: ({ users }, request) => users.deleteSession(request),
        summary: 'End a session',
        response: 'Empty',
        errors: [],
      },
    },
  },
  {
    path: '/app/usage',
    operations: {
      GET: {
        id: 'getUsage',
        run: ({ users }, request) => users.getUsage(request),
        summary: 'Count the users who were active in a month',
        query: 'month',
        response: 'Usage',
        errors: ['invalid_month', ...LISTED],
      },
    },
  },
  {
    path: '/edges/https/{edge_id}/routes/{id}/oauth',
    operations: {
      GET: {
        id: 'getModule',
        run: ({ edges }, request) => edges.get(request),
        summary: 'Get the configuration of a gate',
        response: 'Module',
        isVersioned: true,
        errors: READ,
      },
      PUT: {
        id: 'replaceModule',
        run: ({ edges }, request) => edges.replace(request),
        summary: 'Replace the configuration of a gate',
        body: { anyOf: [moduleRequestField.schema, moduleField.schema] },
        response: 'ChangedModule',
        isVersioned: true,
        errors: [...MODULE, ...CHANGE],
      },
      DELETE: {
        id: 'deleteModule',
        run: ({ edges }, request) => edges.delete(request),
        summary: 'Disable a gate',
        response: 'Empty',
        isVersioned: true,
        errors: ['disable_not_allowed', ...CHANGE],
      },
    },
  },
  {
    path: '/api/v2/connections',
    operations: {
      GET: {
        id: 'listConnections',
        run: ({ connections }) => connections.list(),
        summary: 'List connections',
        response: 'ConnectionList',
        errors: READ,
      },
    },
  },
  {
    path: '/api/v2/connections/{id}',
    operations: {
      GET: {
        id: 'getConnection',
        run: ({ connections }, request) => connections.get(request),
        summary: 'Get a connection',
        response: 'Connection',
        isVersioned: true,
        errors: READ,
      },
      PATCH: {
        id: 'changeConnection',
        run: ({ connections }, request) => connections.change(request),
        summary: 'Change a connection',
        body: connectionField.schema,
        response: 'ChangedConnection',
        isVersioned: true,
        errors: [...CONNECTION, ...CHANGE],
      },
    },
  },
]
