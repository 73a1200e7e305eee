/** A layer of an Express router, as far as it is read here. It holds a route, or middleware. */
interface Layer {
  readonly handle?: unknown
  readonly route?: Route | undefined
  readonly match?: (path: string) => unknown
  /** The part of the path that `match` matched last. */
  readonly path?: unknown
}

interface Route {
  readonly path?: unknown
  readonly methods?: Readonly<Record<string, unknown>>
  readonly stack?: readonly Layer[]
}

/** One place at which an Express app uses a middleware. */
export interface Position {
  /** The layers of the router. */
  readonly stack: readonly Layer[]
  /** The layer of the middleware, or of the route whose handler it is. */
  readonly index: number
}

/** Routers within routers. */
const MAX_DEPTH = 5
const ERROR_HANDLER_PARAMETERS = 4

/** Where an Express app and the apps that mount it use a middleware. */
export function positionsIn(app: unknown, middleware: unknown): readonly Position[] {
  const found: Position[] = []
  let current = membersOf(app)
  for (let depth = 0; current !== undefined && depth < MAX_DEPTH; depth++) {
    addPositions(found, routerStack(current), middleware)
    current = membersOf(current['parent'])
  }
  return found
}

/** Where a middleware is used, as far as an app shows it. */
export interface MountPath {
  /** Whether a request to the path reaches the middleware. */
  readonly isReached: boolean
  /** The path at which the request reaches it; empty if it does not. */
  readonly mountPath: string
}

/**
 * The path at which a request to `path` reaches a middleware of an Express app, or of the apps that
 * mount it. `undefined` if the app does not use the middleware, or hides it in a function.
 */
export function mountPathIn(
  app: unknown,
  middleware: unknown,
  path: string,
): MountPath | undefined {
  let isUsed = false
  let current = membersOf(app)
  for (let depth = 0; current !== undefined && depth < MAX_DEPTH; depth++) {
    const base = basePathOf(current)
    const stack = routerStack(current)
    const found: Position[] = []
    addPositions(found, stack, middleware)
    isUsed ||= found.some((position) => !isRoute(position))
    const below =
      base !== undefined && path.startsWith(base)
        ? mountPathBelow(stack, middleware, path.slice(base.length))
        : undefined
    if (below !== undefined) return { isReached: true, mountPath: `${base ?? ''}${below}` }
    current = membersOf(current['parent'])
  }
  return isUsed ? { isReached: false, mountPath: '' } : undefined
}

/** Whether the position is a route, as in `app.get('/private', middleware)`. */
export function isRoute({ stack, index }: Position): boolean {
  return stack[index]?.route !== undefined
}

/** The routes of the router in front of the position, as in `GET /health`. */
export function routesBefore({ stack, index }: Position): readonly string[] {
  return stack.slice(0, index).flatMap((layer) => routesOf(layer))
}

/** Whether anything but error handlers comes after the position. */
export function isFollowed({ stack, index }: Position): boolean {
  return stack
    .slice(index + 1)
    .some(({ handle }) => typeof handle === 'function' && handle.length < ERROR_HANDLER_PARAMETERS)
}

/** Whether a request to this path of the router reaches the position. */
export function isReached({ stack, index }: Position, path: string): boolean {
  // `true`, or in recent versions an object.
  return Boolean(stack[index]?.match?.(path))
}

function addPositions(
  found: Position[],
  stack: readonly Layer[],
  middleware: unknown,
  depth = 0,
): void {
  for (const [index, { handle, route }] of stack.entries()) {
    const isHere = handle === middleware || route?.stack?.some((one) => one.handle === middleware)
    if (isHere) found.push({ stack, index })
    else if (depth < MAX_DEPTH) addPositions(found, stackOf(handle), middleware, depth + 1)
  }
}

/** The path of the first layer that holds the middleware and matches, in front of all routers. */
function mountPathBelow(
  stack: readonly Layer[],
  middleware: unknown,
  path: string,
  depth = 0,
): string | undefined {
  for (const layer of stack) {
    if (layer.route !== undefined || depth > MAX_DEPTH) continue
    const isHere = layer.handle === middleware
    const inner = stackOf(layer.handle)
    const match = isHere || inner.length > 0 ? layer.match?.(path === '' ? '/' : path) : false
    if (!match) continue
    // `true` and a member of the layer, or in recent versions an object.
    const matched = pathOf(match) ?? pathOf(layer) ?? ''
    if (isHere) return matched
    const below = mountPathBelow(inner, middleware, path.slice(matched.length), depth + 1)
    if (below !== undefined) return matched + below
  }
  return undefined
}

function pathOf(value: unknown): string | undefined {
  const path = membersOf(value)?.['path']
  return typeof path === 'string' ? path : undefined
}

/** The path of an app that another one mounts; empty for the outermost. */
function basePathOf(app: Readonly<Record<string, unknown>>): string | undefined {
  const { path } = app
  const base: unknown = typeof path === 'function' ? Reflect.apply(path, app, []) : ''
  return typeof base === 'string' ? base : undefined
}

/** The routes of a layer, or of the router that it holds. */
function routesOf({ handle, route }: Layer, depth = 0): readonly string[] {
  if (route === undefined)
    return depth < MAX_DEPTH ? stackOf(handle).flatMap((layer) => routesOf(layer, depth + 1)) : []
  const methods = Object.keys(route.methods ?? {}).map((name) => name.toUpperCase())
  const path = typeof route.path === 'string' ? route.path : '(a pattern)'
  return [`${methods.includes('_ALL') ? 'ALL' : methods.join('/')} ${path}`]
}

/** Express 4 has `_router`, and throws if `router` is read. */
function routerStack(app: Readonly<Record<string, unknown>>): readonly Layer[] {
  const isExpress4 = typeof app['lazyrouter'] === 'function'
  return stackOf(isExpress4 ? app['_router'] : app['router'])
}

function stackOf(router: unknown): readonly Layer[] {
  const stack = membersOf(router)?.['stack']
  return Array.isArray(stack) ? (stack as readonly Layer[]) : []
}

/** Apps and routers are functions with members. */
function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const hasMembers = typeof value === 'function' || (typeof value === 'object' && value !== null)
  return hasMembers ? (value as Readonly<Record<string, unknown>>) : undefined
}
