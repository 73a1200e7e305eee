import { createClient } from 'redis'
import { randomId } from '../../http/ids.js'
import { redisStore } from '../../session/stores/redis/redis-store.js'
import type { SessionStore, StoreRecord } from '../../session/stores/store.js'
import type { Problem } from './finding.js'
import { missingPermissions } from './redis-permissions.js'
import {
  connectionProblem,
  infoProblem,
  operationProblem,
  permissionProblems,
} from './redis-problems.js'
import { parseInfo, settingsProblems } from './redis-settings.js'

/** The default prefix of `redisStore()`. */
const PREFIX = 'oauth-module:'
const TIMEOUT_MS = 5_000

/** Whether a Redis server can be reached, permits what the store does, and keeps what it writes. */
export async function checkRedis(url: URL, timeoutMs = TIMEOUT_MS): Promise<Problem[]> {
  const client = createClient({
    url: url.href,
    disableOfflineQueue: true,
    socket: { connectTimeout: timeoutMs, reconnectStrategy: false },
    commandOptions: { timeout: timeoutMs },
  })
  // `connect()` rejects with the same error.
  client.on('error', () => undefined)
  try {
    await connected(client.connect(), timeoutMs)
    const send = (args: readonly string[]) => client.sendCommand([...args])
    const info = await send(['INFO']).then(String, (thrown: unknown) => thrown)
    const missing = await missingPermissions(send, PREFIX, randomId().slice(0, 12))
    const settings =
      typeof info === 'string' ? settingsProblems(parseInfo(info)) : [infoProblem(info)]
    const permissions = permissionProblems(missing, url, PREFIX)
    const operations =
      permissions.length > 0 || settings.some(({ severity }) => severity === 'error')
        ? []
        : await operationProblems(redisStore(client, { prefix: PREFIX }))
    return [...permissions, ...operations, ...settings]
  } catch (thrown) {
    return [connectionProblem(thrown, url)]
  } finally {
    if (client.isOpen) client.destroy()
  }
}

/** The limit of the client ends only the connection, not the handshake after it. */
async function connected(connecting: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    const error = Object.assign(new Error('no response'), { code: 'ETIMEDOUT' })
    timer = setTimeout(() => reject(error), timeoutMs)
  })
  try {
    await Promise.race([connecting, timeout])
  } finally {
    clearTimeout(timer)
  }
}

const RECORD_TTL_MS = 10_000

/** Writes, changes, lists and deletes a record, as a login and a logout do. */
async function operationProblems(store: SessionStore): Promise<Problem[]> {
  const key = `doctor-${randomId()}`
  const record: StoreRecord = { kind: 'doctor', group: key, createdAt: Date.now(), revision: 1 }
  try {
    await store.set(key, record, RECORD_TTL_MS)
    const isReplaced = await store.update(key, { ...record, revision: 2 }, RECORD_TTL_MS)
    const page = await store.entries?.({ kind: 'doctor', group: key, limit: 1 })
    const unlock = await store.lock?.(key, RECORD_TTL_MS)
    await unlock?.()
    const isDeleted = await store.delete(key)
    return isReplaced && isDeleted && page?.entries.length === 1
      ? []
      : [operationProblem(undefined)]
  } catch (thrown) {
    return [operationProblem(thrown)]
  }
}
