import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from 'redis'
import { oauthModule, oidcProvider } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'

export interface SignalProcessSetup {
  redisPort: number
  provider: { issuer: string; clientId: string; clientSecret: string }
  secret: string
  transmitter: { issuer: string; audience: string }
}

/** A gate in a process of its own, over Redis. `/stream` stays open until the session ends. */
async function start({ redisPort, provider, secret, transmitter }: SignalProcessSetup) {
  const client = createClient({ url: `redis://127.0.0.1:${redisPort}` })
  client.on('error', () => undefined)
  await client.connect()
  const gate = oauthModule({
    provider: { oidc: oidcProvider(provider) },
    secret,
    store: redisStore(client),
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
        process.send?.({ closedAt: performance.timeOrigin + performance.now() })
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
