import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { type OAuthContext, oauth2Provider, oauthModule } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'

/** The configuration of a process. */
export interface Setup {
  redisPort: number
  providerOrigin: string
  secret: string
}

/** What the parent asks, besides requests. */
export type Question =
  { is: 'measure' } | { is: 'delay' } | { is: 'revoke'; handle: string } | { is: 'end' }

/** What a process holds when no request is in flight. */
export interface Held {
  /** Bytes, after garbage collection. */
  heap: number
  sockets: number
  timers: number
}

/** What the app behind the gate responds. */
export interface Seen {
  user: string | undefined
  header: string | undefined
  handle: string | undefined
  token: string | undefined
  /** What the app stores for this user. */
  data: string
}

/** Milliseconds between two samples of the event loop. */
const RESOLUTION = 10

/** The app's data, by user: whoever gets another user's has found a fault. */
const data = new Map<string, string>()

function dataOf(user: string): string {
  const known = data.get(user) ?? `private data of ${user}`
  data.set(user, known)
  return known
}

async function start({ redisPort, providerOrigin, secret }: Setup): Promise<void> {
  const client = createClient({
    socket: { host: '127.0.0.1', port: redisPort, reconnectStrategy: () => 100 },
    disableOfflineQueue: true,
  })
  client.on('error', () => undefined)
  await client.connect()
  const gate = oauthModule({
    provider: {
      idp: oauth2Provider({
        authorizationUrl: `${providerOrigin}/authorize`,
        tokenUrl: `${providerOrigin}/token`,
        userinfoUrl: `${providerOrigin}/userinfo`,
        clientId: 'app',
        clientSecret: 'app secret',
      }),
    },
    secret,
    store: redisStore(client),
    authCheckInterval: 3,
    inactivityTimeout: 3600,
    maximumDuration: 7200,
    timeouts: { provider: 5, store: 2 },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const server = createServer((req, res) =>
    gate(req, res, (error) => {
      if (error !== undefined) res.writeHead(500).end()
      else res.end(JSON.stringify(answer(req)))
    }),
  )
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION })
  delay.enable()
  const replies = {
    async measure(): Promise<Held> {
      return held()
    },
    /** The 99th percentile since the last question, in milliseconds. */
    async delay(): Promise<number> {
      const p99 = delay.percentile(99) / 1e6 - RESOLUTION
      delay.reset()
      return Math.max(0, p99)
    },
  }
  process.on('message', async (question: Question & { id: number }) => {
    if (question.is === 'end') {
      server.close()
      server.closeAllConnections()
      await gate.close()
      client.destroy()
      process.exit(0)
    }
    const reply =
      question.is === 'revoke'
        ? await gate.sessions.revoke(question.handle).catch(() => false)
        : await replies[question.is]()
    process.send?.({ id: question.id, reply })
  })
  server.listen(0, '127.0.0.1', () =>
    process.send?.({ port: (server.address() as AddressInfo).port }),
  )
}

function answer(req: IncomingMessage & { oauth?: OAuthContext }): Seen {
  const user = req.oauth?.user?.id
  return {
    user,
    header: String(req.headers['ngrok-auth-user-id']),
    handle: req.oauth?.sessionHandle,
    token: req.oauth?.accessToken,
    data: dataOf(user ?? ''),
  }
}

async function held(): Promise<Held> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await sleep(50)
  }
  const resources = process.getActiveResourcesInfo()
  const count = (type: string) => resources.filter((one) => one === type).length
  return {
    heap: process.memoryUsage().heapUsed,
    sockets: count('TCPSocketWrap'),
    timers: count('Timeout'),
  }
}

process.once('message', (setup) => void start(setup as Setup))
