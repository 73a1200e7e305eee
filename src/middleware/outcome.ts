/** `next` of Express and Connect. */
export type Next = (error?: unknown) => void

/**
 * What happens to a request after the gate: the app receives it, the gate has responded, or the
 * app's error handler receives an error.
 */
export type Outcome =
  | { readonly action: 'pass' }
  | { readonly action: 'responded' }
  | { readonly action: 'forward'; readonly error: unknown }

/** The app receives the request. */
export const PASS: Outcome = { action: 'pass' }
/** The response has been sent. */
export const RESPONDED: Outcome = { action: 'responded' }

/**
 * Calls `next` as the outcome requires: once, and outside of every `catch`, because errors of
 * `next` belong to the app.
 */
export function callNext(outcome: Outcome | Promise<Outcome>, next: Next): void {
  if (outcome instanceof Promise) {
    outcome.then(
      (result) => queueMicrotask(() => callNext(result, next)),
      (error: unknown) => queueMicrotask(() => next(asError(error))),
    )
  } else if (outcome.action === 'pass') next()
  else if (outcome.action === 'forward') next(asError(outcome.error))
}

/**
 * Hooks can throw any value. Express treats `undefined`, `0` and `'route'` as "continue", so only
 * errors are passed on.
 */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new Error('a value that is not an error was thrown', { cause: thrown })
}
