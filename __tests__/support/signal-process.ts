import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import connectPg from 'connect-pg-simple'
import session from 'express-session'
import pg from 'pg'
import { createClient } from 'redis'
import { oauthModule, type OAuthModuleOptions, oidcProvider } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'

export interface SignalProcessSetup {
  /** Where sessions are stored: Redis, or PostgreSQL by a store that was made for express-session. */
  store: { redisPort: number } | { postgresUrl: string }
  provider: {
    issuer: string
    clientId: string
    clientSecret: string
    emailDomains: readonly string[]
  }
  secret: string
  transmitter: { issuer: string; audience: string }
}

/** What a process reports when a stream has closed. */
export interface Closed {
  closedAt: number
  /** The error code. */
  code: string
}

async function openStore(
  setup: SignalProcessSetup['store'],
): Promise<NonNullable<OAuthModuleOptions['store']>> {
  if ('postgresUrl' in setup) {
    const PgStore = connectPg(session)
    const pool = new pg.Pool({ connectionString: setup.postgresUrl })
    pool.on('error', () => undefined)
    return new PgStore({ pool, createTableIfMissing: true, pruneSessionInterval: false })
  }
  const client = createClient({ url: `redis://127.0.0.1:${setup.redisPort}` })
  client.on('error', () => undefined)
  await client.connect()
  return redisStore(client)
}

/** A gate in a process of its own. `/stream` stays open until the session ends. */
async function start({ store, provider, secret, transmitter }: SignalProcessSetup) {
  const gate = oauthModule({
    provider: { oidc: oidcProvider(provider) },
    secret,
    store: await openStore(store),
    id: 'shared',
    timeouts: { provider: 60, store: 30 },
    signals: { transmitters: { okta: transmitter } },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const server = createServer((req, res) =>
    gate(req, res, () => {
      if (req.url !== '/stream') return void res.end('ok')
      const { signal } = (req as unknown as { oauth: { signal: AbortSignal } }).oauth
      res.write('open\n')
      signal.addEventListener('abort', () => {
        const { code } = signal.reason as { code: string }
        process.send?.({ closedAt: performance.timeOrigin + performance.now(), code })
        res.end('closed\n')
      })
    }),
  )
  await gate.ready()
  server.listen(0, '127.0.0.1', () =>
    process.send?.({ port: (server.address() as AddressInfo).port }),
  )
}

process.once('message', (setup) => void start(setup as SignalProcessSetup))
