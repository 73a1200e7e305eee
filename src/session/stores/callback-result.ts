import { types } from 'node:util'

/** A callback of Node's convention. */
export type Callback = (error: unknown, value?: unknown) => void

/**
 * Calls a method that reports its result by callback, by promise, or by both. The first result
 * counts.
 *
 * @param takesCallback Whether the method declares a parameter for the callback. If so, a promise
 *   of `undefined` is not the result: some `async` methods also call back.
 */
export function callMethod(
  takesCallback: boolean,
  call: (callback: Callback) => unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = call((error, value) => (error ? reject(asError(error)) : resolve(value)))
    if (!isThenable(returned)) return
    returned.then((value) => {
      const isEmpty = value === undefined || value === null
      if (!isEmpty || !takesCallback) resolve(value)
    }, reject)
  })
}

function asError(error: unknown): Error {
  // Some libraries derive errors from `Error.prototype` without its constructor.
  if (types.isNativeError(error) || error instanceof Error) return error
  return new Error('the store failed', { cause: error })
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}
