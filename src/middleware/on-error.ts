import type { ServerResponse } from 'node:http'
import type { OAuthError } from '../http/errors.js'
import { withTimeout } from '../http/timeout.js'
import type { AppRequest } from '../http/request.js'
import type { OnError } from '../options/options.js'

/** How long `onError` may take to respond or to forward the error. */
export const ON_ERROR_TIMEOUT_MS = 5_000

/**
 * Lets `onError` respond to an error, and returns the error that it forwards with `next()`. If
 * neither has happened afterwards, the caller sends the built-in response. An `onError` with the
 * parameter `res` may respond after it has returned, as `res.render()` does; without it, only its
 * promise is awaited. Rejects with the error of `onError`, and after {@link ON_ERROR_TIMEOUT_MS}.
 */
export async function callOnError(
  onError: OnError,
  error: OAuthError,
  req: AppRequest,
  res: ServerResponse,
): Promise<{ error: unknown } | undefined> {
  let forwarded: { error: unknown } | undefined
  const respond = () =>
    new Promise<void>((resolve, reject) => {
      res.once('finish', resolve)
      res.once('close', resolve)
      const next = (other?: unknown) => {
        // Express does not treat `next('route')` and `next(0)` as errors: the request would reach
        // the app.
        forwarded ??= { error: other instanceof Error ? other : error }
        resolve()
      }
      Promise.resolve(onError(error, req, res, next)).then(() => {
        if (res.headersSent || onError.length < 3) resolve()
      }, reject)
    })
  await withTimeout(ON_ERROR_TIMEOUT_MS, 'onError', respond)
  return forwarded
}
