import type { IncomingMessage, ServerResponse } from 'node:http'
import type { OAuthError } from '../http/errors.js'
import type { OnError } from '../options/options.js'
import { withTimeout } from '../http/timeout.js'

/** For a promise that it returns. */
const TIMEOUT = 5_000
/** For a template that is rendered after it returned. */
const PATIENCE = 1_000

/**
 * Lets the app answer an error in its own way. What it forwards comes back; otherwise look at the response: where there
 * is no answer, the built-in one is due. Rejects with what `onError` throws.
 */
export async function callOnError(
  onError: OnError,
  error: OAuthError,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<{ error: unknown } | undefined> {
  let forwarded: { error: unknown } | undefined
  await withTimeout(
    TIMEOUT,
    'onError',
    () =>
      new Promise<void>((resolve, reject) => {
        // A template may take its time to render: the answer counts when it is out, not when the function returns.
        res.once('finish', resolve)
        res.once('close', resolve)
        const result = Promise.resolve(
          onError(error, req, res, (other) => {
            // Express takes `next('route')` and `next(0)` for leave to go on.
            forwarded ??= { error: other instanceof Error ? other : error }
            resolve()
          }),
        )
        // One that did not take the response is not going to answer.
        result.then(() => setTimeout(resolve, onError.length < 3 ? 0 : PATIENCE).unref(), reject)
      }),
  )
  return forwarded
}
