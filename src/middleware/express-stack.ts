/** A layer of an Express router, as far as it is read here. It holds a route, or middleware. */
interface Layer {
  readonly handle?: unknown
  readonly route?: Route | undefined
  readonly match?: (path: string) => unknown
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
