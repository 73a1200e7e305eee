import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createClient } from 'redis'
import { oauthModule, oidcProvider } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'

/** What the parent says. */
export interface BoundProcessSetup {
  readonly redisPort: number
  readonly provider: { issuer: string; clientId: string; clientSecret: string }
  readonly secret: string
  readonly tls: { readonly key: string; readonly cert: string }
}

/** A gate with device-bound sessions in a process of its own, over Redis. */
async function start({ redisPort, provider, secret, tls }: BoundProcessSetup): Promise<void> {
  const client = createClient({ url: `redis://127.0.0.1:${redisPort}` })
  client.on('error', () => undefined)
  await client.connect()
  const gate = oauthModule({
    provider: { idp: oidcProvider(provider) },
    secret,
    store: redisStore(client),
    id: 'shared',
    deviceBound: true,
    timeouts: { provider: 60, store: 30 },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const server = createServer(tls, (req, res) =>
    gate(req, res, () => {
      const { isDeviceBound } = (req as unknown as { oauth: { isDeviceBound: boolean } }).oauth
      res.end(JSON.stringify({ isDeviceBound }))
    }),
  )
  await gate.ready()
  server.listen(0, '127.0.0.1', () =>
    process.send?.({ port: (server.address() as AddressInfo).port }),
  )
}

process.once('message', (setup) => void start(setup as BoundProcessSetup))
