import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import { ADMIN_ACCESS, type AdminAccess } from '../../src/middleware/admin-access.js'
import type { StoredChange } from '../../src/middleware/admin-access.js'
import { redisStore } from '../../src/session/stores/redis/index.js'

/** What the parent says first. */
export interface ConfigProcessSetup {
  library: 'redis' | 'ioredis'
  port: number
  options: Pick<OAuthModuleOptions, 'provider' | 'secret' | 'configVersion'>
}

/** What the parent asks for; the response has the same `id`. */
export type ConfigProcessCall =
  | { id: number; call: 'change'; change: StoredChange | null; changedBy: string }
  | { id: number; call: 'state' }
  /** Changes the configuration without end, to be killed meanwhile. */
  | { id: number; call: 'churn'; changes: StoredChange[] }

/** What is in effect in the process. */
export interface ConfigProcessState {
  /** Of the module, by which the tests tell changes apart. */
  maximumDuration: unknown
  errors: string[]
}

async function start({ library, port, options }: ConfigProcessSetup): Promise<void> {
  const client =
    library === 'redis'
      ? await connected(port)
      : new Redis({ port, maxRetriesPerRequest: 1 }).on('error', () => undefined)
  const errors: string[] = []
  const auth = oauthModule({
    ...options,
    id: 'shared',
    store: redisStore(client),
    timeouts: { store: 20 },
    logger: {
      debug() {},
      info() {},
      warn() {},
      error: (...line) => void errors.push(JSON.stringify(line)),
    },
  })
  const { configuration } = Reflect.get(auth, ADMIN_ACCESS) as AdminAccess
  const respond = (id: number, result: unknown) => process.send?.({ id, result })
  const handle = async (message: ConfigProcessCall) => {
    if (message.call === 'state') {
      const { maximumDuration } = configuration.options
      respond(message.id, { maximumDuration, errors } satisfies ConfigProcessState)
    }
    if (message.call === 'change') {
      const { change, changedBy } = message
      const done = configuration.change(() => change ?? undefined, { changedBy })
      respond(message.id, await done.catch((error: unknown) => ({ error: String(error) })))
    }
    if (message.call === 'churn') {
      respond(message.id, 'started')
      for (let index = 0; ; index++)
        await configuration
          .change(() => message.changes[index % message.changes.length], { changedBy: 'churn' })
          .catch(() => undefined)
    }
  }
  process.on('message', (message: ConfigProcessCall) => void handle(message))
  const server = createServer((req, res) =>
    auth(req, res, (error) => res.writeHead(error === undefined ? 200 : 500).end('the app')),
  )
  server.listen(0, '127.0.0.1', () =>
    process.send?.({ port: (server.address() as AddressInfo).port }),
  )
}

async function connected(port: number) {
  const client = createClient({
    socket: { port, reconnectStrategy: (retries) => Math.min(retries * 20, 200) },
    disableOfflineQueue: true,
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

process.once('message', (setup) => void start(setup as ConfigProcessSetup))
