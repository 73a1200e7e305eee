import { OAuthError } from '../../http/errors.js'
import { withTimeout } from '../../http/timeout.js'
import type { Awaitable } from './store.js'

/**
 * Runs one operation of a store. Whatever goes wrong is one error, 503: a store that throws, rejects or does not
 * answer says nothing about who is logged in. A value that is no promise costs nothing.
 */
export function callStore<T>(operation: () => Awaitable<T>, timeout: number): Awaitable<T> {
  let result: Awaitable<T>
  try {
    result = operation()
  } catch (error) {
    throw unavailable(error)
  }
  const pending = result
  if (!isPromise(pending)) return pending
  return withTimeout(timeout, 'the store', () => pending).catch((error: unknown) => {
    throw unavailable(error)
  })
}

function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

function unavailable(cause: unknown): OAuthError {
  return cause instanceof OAuthError
    ? cause
    : new OAuthError('store_unavailable', {
        cause,
        hint: cause instanceof Error ? cause.message : undefined,
      })
}
