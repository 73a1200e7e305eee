import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { oauthModule, oidcProvider } from '../../src/index.js'

/** Options of the process, as JSON in its first argument. */
export interface NetworkProcessOptions {
  issuer: string
  clientId: string
  clientSecret: string
  insecureHttp?: boolean
  /** Whether it follows the recipe for Node 20: the agent of undici. */
  usesUndici: boolean
  timeout?: number
}

/** A gate in a process of its own, whose network is configured by its environment. */
async function start({ usesUndici, timeout = 10, ...provider }: NetworkProcessOptions) {
  if (usesUndici) {
    const { EnvHttpProxyAgent, setGlobalDispatcher } = await import('undici')
    setGlobalDispatcher(new EnvHttpProxyAgent())
  }
  const gate = oauthModule({
    provider: { idp: oidcProvider(provider) },
    secret: 'a secret for tests, longer than 32 characters',
    timeouts: { provider: timeout },
  })
  const server = createServer((req, res) =>
    gate(req, res, () => res.end(`user ${(req as { user?: { id: string } }).user?.id}`)),
  )
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}

void start(JSON.parse(process.argv[2] ?? '{}') as NetworkProcessOptions)
