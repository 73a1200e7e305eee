/**
 * The result of `work`. Rejects if it takes longer than `ms` milliseconds, with an error that names
 * `what`.
 */
export async function withTimeout<T>(
  ms: number,
  what: string,
  work: () => T | Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} did not respond within ${ms / 1000} seconds`)),
      ms,
    )
  })
  try {
    return await Promise.race([work(), timeout])
  } finally {
    clearTimeout(timer)
  }
}
