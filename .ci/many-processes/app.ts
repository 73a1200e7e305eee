import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from 'redis'
import {
  type OAuthContext,
  oauth2Provider,
  oauthModule,
  type SessionStore,
  type StoreRecord,
} from '../../src/index.js'
import { Encrypter } from '../../src/http/encryption.js'
import { SessionRows } from '../../src/session/session-rows.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { processHeader } from './provider.js'

/** The configuration of a process. */
export interface Setup {
  name: string
  redisPort: number
  providerOrigin: string
  secrets: string[]
  /** `later` writes rows with fields that `this` one does not know. */
  release: 'this' | 'later'
  /** Whether the client responds from its own cache. */
  isCaching: boolean
}

/** Orders to a process in addition to its requests. */
export type Order =
  { is: 'revoke'; handle: string } | { is: 'delete'; user: string } | { is: 'end' }

/** What the app behind the gate saw. */
export interface Seen {
  user: string | undefined
  header: string | undefined
  handle: string | undefined
  token: string | undefined
  by: string
}

export const silent = { debug() {}, info() {}, warn() {}, error() {} }

async function start({
  name,
  redisPort,
  providerOrigin,
  secrets,
  release,
  isCaching,
}: Setup): Promise<void> {
  const client = createClient({
    socket: { host: '127.0.0.1', port: redisPort },
    RESP: 3,
    ...(isCaching && { clientSideCache: { ttl: 0, maxEntries: 1000, evictPolicy: 'LRU' } }),
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
        tokenHeaders: { [processHeader]: name },
      }),
    },
    secret: secrets,
    store: release === 'later' ? laterRelease(redisStore(client), secrets) : redisStore(client),
    authCheckInterval: 3,
    // Activity is written every other second; a user who waits for the lock of a killed process
    // must not time out.
    inactivityTimeout: 20,
    maximumDuration: 600,
    timeouts: { provider: 1.5, store: 1 },
    logger: silent,
  })
  const answer = async (req: IncomingMessage & { oauth?: OAuthContext }): Promise<Seen> => {
    const { oauth } = req
    const token = req.url?.startsWith('/token') ? await oauth?.getAccessToken() : oauth?.accessToken
    return {
      user: oauth?.user?.id,
      header: String(req.headers['ngrok-auth-user-id']),
      handle: oauth?.sessionHandle,
      token,
      by: name,
    }
  }
  const server = createServer((req, res) =>
    gate(req, res, (error) => {
      if (error !== undefined) return void res.writeHead(500).end()
      answer(req).then(
        (seen) => void res.end(JSON.stringify(seen)),
        (reason: unknown) => {
          const { status = 500, code } = reason as { status?: number; code?: string }
          res.writeHead(status).end(code)
        },
      )
    }),
  )
  process.on('message', async (order: Order & { id: number }) => {
    if (order.is === 'end') {
      // The visitors are sent away; what was begun for them must come to its end all the same.
      server.close()
      server.closeAllConnections()
      await gate.close()
      client.destroy()
      process.exit(0)
    }
    await (order.is === 'revoke'
      ? gate.sessions.revoke(order.handle)
      : gate.users.delete(order.user))
    process.send?.({ done: order.id })
  })
  server.listen(0, '127.0.0.1', () =>
    process.send?.({ port: (server.address() as AddressInfo).port }),
  )
}

/** Part of every row of a later release. */
export const LATER = 'of a later release'

/** A later release adds fields at the end of a session, and members to other records. */
function laterRelease(store: SessionStore, secrets: readonly string[]): SessionStore {
  const browserSession = { ipAddress: true, userAgent: true, maxAge: 0 }
  const encrypter = new Encrypter(secrets)
  const rows = new SessionRows({ encrypter, isInProcess: false, browserSession })
  const mark = (key: string, record: StoreRecord): StoreRecord => {
    const session = rows.fromRow(key, record)
    return session === undefined
      ? ({ ...record, later: { member: LATER } } as StoreRecord)
      : rows.toRow(key, { ...session, later: [LATER] })
  }
  return {
    ...store,
    set: (key, record, ttl) => store.set(key, mark(key, record), ttl),
    update: (key, record, ttl) => store.update(key, mark(key, record), ttl),
  }
}

if (process.send) process.once('message', (setup) => void start(setup as Setup))
