import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from 'redis'
import { adminRouter } from '../../src/admin/index.js'
import { oauth2Provider, oauthModule } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'

/** What the parent says first. */
export interface AdminProcessSetup {
  readonly redisPort: number
  readonly token: string
  readonly secret: string
  /** Options of the provider `github`. */
  readonly github: object
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** An app with the admin API at its root, in a process of its own. */
async function start({ redisPort, token, secret, github }: AdminProcessSetup): Promise<void> {
  const client = createClient({ socket: { port: redisPort } })
  client.on('error', () => undefined)
  await client.connect()
  const acme = oauth2Provider({
    authorizationUrl: 'https://auth.acme.example/authorize',
    tokenUrl: 'https://auth.acme.example/token',
    fetchUserProfile: () => ({ user_id: '1' }),
    clientId: 'acme-id',
    clientSecret: 'acme-secret',
  })
  const auth = oauthModule({
    provider: { github, acme },
    secret,
    id: 'shared',
    configVersion: 1,
    store: redisStore(client),
    logger: silent,
  })
  const admin = adminRouter({ 'main/app': auth }, { tokens: { deploy: token } })
  const server = createServer((req, res) =>
    admin(req, res, () => auth(req, res, () => res.end('the app'))),
  )
  server.listen(0, '127.0.0.1', () =>
    process.send?.({ port: (server.address() as AddressInfo).port }),
  )
}

process.once('message', (setup) => void start(setup as AdminProcessSetup))
