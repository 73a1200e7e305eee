import { OAuthError } from '../errors.js'
import type { Awaitable } from './store.js'

/**
 * Runs one operation of a store. Whatever goes wrong is one error, 503: a store that throws, rejects or does not
 * answer says nothing about who is logged in. A value that is no promise costs nothing.
 */
export function guard<T>(operation: () => Awaitable<T>, timeout: number): Awaitable<T> {
  let result: Awaitable<T>
  try {
    result = operation()
  } catch (error) {
    throw unavailable(error)
  }
  return isPromise(result) ? withTimeout(result, timeout) : result
}

function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

function withTimeout<T>(promise: Promise<T>, timeout: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(unavailable(new Error(`the store did not answer within ${timeout} ms`))), timeout)
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(unavailable(error))
      },
    )
  })
}

function unavailable(cause: unknown): OAuthError {
  return cause instanceof OAuthError ? cause : new OAuthError('store_unavailable', { cause, hint: cause instanceof Error ? cause.message : undefined })
}
