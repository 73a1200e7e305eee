import type { ServerResponse } from 'node:http'
import type { GateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import { isSafeMountPath, readTarget } from '../http/paths.js'
import type { AppRequest } from '../http/request.js'

/** A request that is not authenticated: for responses that the gate sends in any case. */
export function bareRequest(mounts: Mounts, req: AppRequest, res: ServerResponse): GateRequest {
  const target = readTarget(req)
  // No URL may be built from such a path.
  if (!isSafeMountPath(target.mountPath)) target.mountPath = ''
  const { headers } = req
  const mount = mounts.of(req, target, headers)
  return { req, headers, cookieHeader: undefined, res, mount, target, now: Date.now() }
}
