import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Placement, PlacementState, RoutedRequest } from './placement.js'

/** Node publishes each request of a `node:http` server, before the app receives it. */
const START = 'http.server.request.start'
/** As {@link START}, after the response has been sent. */
const FINISH = 'http.server.response.finish'
/** Apps may add their routes late. */
const MAX_REQUESTS = 100

/** What {@link watchPlacement} depends on. */
export interface WatchedPlacement {
  readonly state: PlacementState
  /** That of the current configuration. */
  current(): Placement
}

/**
 * Checks the placement of the middleware at the first requests of the process: a gate behind the
 * routes receives none of them. Does not keep `watched` in memory. Returns a function that stops.
 */
export function watchPlacement(watched: WatchedPlacement): () => void {
  const reference = new WeakRef(watched)
  let count = 0
  const stop = () => {
    unsubscribe(START, onStart)
    unsubscribe(FINISH, onFinish)
    const { state } = reference.deref() ?? {}
    if (state !== undefined) state.isObserving = false
  }
  const onStart = (message: unknown) => {
    const target = reference.deref()
    if (target === undefined || ++count > MAX_REQUESTS) return stop()
    const request = requestOf(message)
    if (target.state.isObserving) observe(request, () => target.current().warnOfReading(request))
  }
  const onFinish = (message: unknown) =>
    reference.deref()?.current().checkRoutes(requestOf(message))
  subscribe(START, onStart)
  subscribe(FINISH, onFinish)
  return stop
}

function requestOf(message: unknown): RoutedRequest {
  return (message as { readonly request: RoutedRequest }).request
}

/** Calls back when `req.oauth` is read. Other instances may observe the same request. */
function observe(req: RoutedRequest, onRead: () => void): void {
  const other = Object.getOwnPropertyDescriptor(req, 'oauth')
  Object.defineProperty(req, 'oauth', {
    configurable: true,
    enumerable: false,
    get: (): unknown => {
      onRead()
      return other?.get?.call(req)
    },
    set: (value: unknown) =>
      Object.defineProperty(req, 'oauth', {
        ...{ value, configurable: true, enumerable: true, writable: true },
      }),
  })
}
