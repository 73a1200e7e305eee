/**
 * The result of `work`. Rejects if it takes longer than `ms` milliseconds, with an error that names
 * `what`. Requests wait for it: `async` and `Promise.race()` would create twice as many promises.
 */
export function withTimeout<T>(ms: number, what: string, work: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${what} did not respond within ${ms / 1000} seconds`)),
      ms,
    )
    // What `work` throws rejects as well.
    new Promise<T>((settle) => settle(work())).then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- of the caller
        reject(error)
      },
    )
  })
}
