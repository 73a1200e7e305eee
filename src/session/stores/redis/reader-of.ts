/** The method of a client that reads. */
export interface RowClient {
  /** `GET`. */
  get(key: string): PromiseLike<unknown>
}

/**
 * The client, for reads. From version 6 on, node-redis creates an abort signal for each command,
 * for a default of 5 seconds: a third of what a read costs. Reads of sessions have the time limit
 * of the gate, so they do without that default; a timeout that the app has set stays.
 */
export function readerOf(client: RowClient): RowClient {
  const { options } = client as { options?: { commandOptions?: { timeout?: unknown } } }
  const { withCommandOptions } = client as { withCommandOptions?: unknown }
  const isNodeRedis = typeof withCommandOptions === 'function' && options !== undefined
  // A `get` of the object itself is one that the app has put there.
  if (!isNodeRedis || options.commandOptions?.timeout !== undefined || Object.hasOwn(client, 'get'))
    return client
  const reader: unknown = withCommandOptions.call(client, {
    ...options.commandOptions,
    timeout: undefined,
  })
  return reader as RowClient
}
