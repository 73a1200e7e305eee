import { type Method, type Operation, type Resource, RESOURCES } from './resources.js'

/** A resource that a path names, and the parameters in the path. */
export interface FoundResource extends Resource {
  readonly params: readonly string[]
}

/** A connection may also be named as its module is, with a slash: `main/app.acme`. */
const CONNECTION = '/api/v2/connections/{id}'

/** The resource of a path; `undefined` if the path is not one of the API. */
export function findResource(path: string): FoundResource | undefined {
  for (const resource of RESOURCES) {
    const params = paramsOf(resource.path, path)
    if (params !== undefined) return { ...resource, params: params.map(decoded) }
  }
  return undefined
}

/** The segments of a path at the place of parameters; `undefined` if the others differ. */
function paramsOf(template: string, path: string): readonly string[] | undefined {
  const names = template.split('/')
  const segments = path.split('/')
  if (template === CONNECTION && segments.length === names.length + 1)
    segments.push(segments.splice(-2).join('/'))
  if (segments.length !== names.length) return undefined
  const params: string[] = []
  for (const [index, name] of names.entries()) {
    const segment = segments[index] ?? ''
    if (!name.startsWith('{')) {
      if (segment !== name) return undefined
    } else if (segment === '') return undefined
    else params.push(segment)
  }
  return params
}

/** Malformed encoding stays, and names nothing. */
function decoded(param: string): string {
  try {
    return decodeURIComponent(param)
  } catch {
    return param
  }
}

/** The operation of a method. */
export function operationOf(
  { operations }: FoundResource,
  method: string | undefined,
): Operation | undefined {
  const name = method === 'HEAD' ? 'GET' : method
  return Object.hasOwn(operations, name ?? '') ? operations[name as Method] : undefined
}

/** The value of the header `Allow`. */
export function allowedMethods({ operations }: FoundResource): string {
  return Object.keys(operations)
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ')
}
