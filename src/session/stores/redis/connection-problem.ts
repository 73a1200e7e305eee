const RUNNING = 'is Redis running at the address of the client?'

/** Why a client cannot send commands; `undefined` if it is connected. */
export function connectionProblem(client: object): string | undefined {
  // Members of node-redis; a client of ioredis has `status`.
  const { status, isOpen, isReady } = client as Readonly<Record<string, unknown>>
  if (isOpen === false)
    return 'the Redis client is not connected: call await client.connect() before the app listens'
  if (isReady === false) return `the Redis client has no connection: ${RUNNING}`
  if (typeof status !== 'string' || status === 'ready') return undefined
  return status === 'wait' || status === 'end'
    ? 'the Redis client is not connected: call await client.connect() before the app listens'
    : `the Redis client is ${status.slice(0, 20)}: ${RUNNING}`
}
