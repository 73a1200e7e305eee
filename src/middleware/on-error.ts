import type { ServerResponse } from 'node:http'
import type { OAuthError } from '../http/errors.js'
import { withTimeout } from '../http/timeout.js'
import type { AppRequest } from '../http/request.js'
import type { OnError } from '../options/options.js'

/** How long `onError` may take to respond or to forward the error. */
export const ON_ERROR_TIMEOUT_MS = 5_000

/**
 * Lets `onError` respond to an error, and returns the error that it forwards with `next()`. Afterwards the response has
 * been sent, or the built-in one is due. An `onError` with the parameter `res` may respond after it returned, as
 * `res.render()` does; one without it cannot respond, so only its promise is awaited. Rejects with what `onError`
 * throws, and after {@link ON_ERROR_TIMEOUT_MS}.
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
        // In Express, `next('route')` and `next(0)` are no errors: the request would reach the app.
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
