import type { MountState } from '../http/mount-memory.js'
import { withoutFinalSlashes } from '../http/paths.js'
import type { AppRequest } from '../http/request.js'
import { mountPathIn } from './express-stack.js'

/**
 * The path at which the app uses the gate, for a handler at `path` next to it; `undefined` if the
 * gate is at a path that does not contain `path`, where browsers do not send its cookies.
 */
export function gateMountFor(
  { app }: AppRequest,
  path: string,
  middleware: unknown,
  { known, confirmed }: MountState,
): string | undefined {
  const found = mountPathIn(app, middleware, path === '' ? '/' : path)
  if (found !== undefined) return found.isReached ? withoutFinalSlashes(found.mountPath) : undefined
  // Without Express, or in a function of the app, only requests show where the gate is.
  const used = [...confirmed.keys(), ...known.keys()]
  const [longest] = used
    .filter((mountPath) => path === mountPath || path.startsWith(`${mountPath}/`))
    .sort((a, b) => b.length - a.length)
  return longest ?? (used.length === 0 ? '' : undefined)
}

/**
 * Gives a request the form that it has at the mount `mountPath`, as Express and Connect do. Returns
 * a function that undoes this.
 */
export function moveToMount(req: AppRequest, original: string, mountPath: string): () => void {
  // Bare `node:http`: nothing was removed from the URL.
  if (req.originalUrl === undefined) return () => undefined
  const { url, baseUrl } = req
  const below = original.slice(mountPath.length)
  req.url = below.startsWith('/') ? below : `/${below}`
  if (baseUrl !== undefined) req.baseUrl = mountPath
  return () => {
    if (url !== undefined) req.url = url
    if (baseUrl !== undefined) req.baseUrl = baseUrl
  }
}
