/** What a callback or a promise of unknown make may come to. */
export type Callback = (error: unknown, value?: unknown) => void

/**
 * Asks a method that answers by callback, by promise, or by both. The first answer counts, and a second one is
 * nobody's. `arity` is the number of parameters with the callback: a method that declares so many answers by callback,
 * even where it also returns a promise of nothing.
 */
export function callMethod(
  method: { readonly length: number },
  arity: number,
  call: (callback: Callback) => unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = call((error, value) => (error ? reject(error) : resolve(value)))
    if (!isThenable(returned)) return
    returned.then((value) => {
      const isEmpty = value === undefined || value === null
      if (!isEmpty || method.length < arity) resolve(value)
    }, reject)
  })
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}
