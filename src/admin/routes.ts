import type { AdminApi, AdminRequest } from './api.js'

/** A method of a resource. */
export type Operation = (api: AdminApi, request: AdminRequest) => Promise<object>

/** A resource of the API: its path, and its operations by HTTP method. */
interface Resource {
  readonly path: RegExp
  readonly operations: Readonly<Partial<Record<'GET' | 'DELETE', Operation>>>
}

/** A resource that a path names, and the ID in the path. */
export interface FoundResource extends Resource {
  readonly id: string
}

const RESOURCES: readonly Resource[] = [
  {
    path: /^\/app\/users$/,
    operations: { GET: (api, request) => api.listUsers(request) },
  },
  {
    path: /^\/app\/users\/([^/]+)$/,
    operations: {
      GET: (api, request) => api.getUser(request),
      DELETE: (api, request) => api.deleteUser(request),
    },
  },
  {
    path: /^\/app\/sessions$/,
    operations: { GET: (api, request) => api.listSessions(request) },
  },
  {
    path: /^\/app\/sessions\/([^/]+)$/,
    operations: {
      GET: (api, request) => api.getSession(request),
      DELETE: (api, request) => api.deleteSession(request),
    },
  },
  {
    path: /^\/app\/usage$/,
    operations: { GET: (api, request) => api.getUsage(request) },
  },
]

/** The resource of a path; `undefined` if the path is not one of the API. */
export function findResource(path: string): FoundResource | undefined {
  for (const resource of RESOURCES) {
    const match = resource.path.exec(path)
    if (match !== null) return { ...resource, id: match[1] ?? '' }
  }
  return undefined
}

/** The operation of a method. HEAD is GET without a body. (RFC 9110, 9.3.2) */
export function operationOf(
  { operations }: FoundResource,
  method: string | undefined,
): Operation | undefined {
  if (method === 'GET' || method === 'HEAD') return operations.GET
  return method === 'DELETE' ? operations.DELETE : undefined
}

/** The value of the header `Allow`. */
export function allowedMethods({ operations }: FoundResource): string {
  return ['GET', 'HEAD', ...(operations.DELETE === undefined ? [] : ['DELETE'])].join(', ')
}
