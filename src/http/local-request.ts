import { isLoopback, requestHost } from './origin.js'
import type { AppRequest } from './request.js'

const PROXY_HEADERS = /^(?:forwarded|via|x-forwarded-.*)$/

/**
 * Whether a request comes from a developer at this machine: the process is not in production, the
 * browser uses a loopback host, and no proxy has forwarded the request.
 */
export function isLocalRequest(
  req: AppRequest,
  publicOrigin: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (env['NODE_ENV'] === 'production' || publicOrigin === undefined) return false
  if (Object.keys(req.headers).some((name) => PROXY_HEADERS.test(name))) return false
  return [publicOrigin, `http://${requestHost(req) ?? ''}`].every(
    (origin) => URL.canParse(origin) && isLoopback(new URL(origin).hostname),
  )
}
