/**
 * Callers with the same key share one promise while it is pending. `pending` outlives a
 * configuration.
 */
export function singleFlight<T>(
  pending: Map<string, Promise<T>>,
  key: string,
  start: () => Promise<T>,
): Promise<T> {
  const present = pending.get(key)
  if (present !== undefined) return present
  const started = start().finally(() => pending.delete(key))
  pending.set(key, started)
  return started
}
