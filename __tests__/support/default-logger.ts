import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { oauthModule, oidcProvider } from '../../src/index.js'

/** A gate with the default logger, whose provider is down. The arguments are paths to request. */
async function main(paths: readonly string[]): Promise<void> {
  const issuer = 'http://127.0.0.1:9'
  const auth = oauthModule({
    provider: { idp: oidcProvider({ issuer, clientId: 'client', clientSecret: 'secret' }) },
    secret: 'a secret for tests, longer than 32 characters',
  })
  const server = createServer((req, res) => auth(req, res, () => res.end())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (const path of paths)
    await new Promise((resolve) =>
      get({ port, path, agent: false }, (res) => res.resume().on('end', resolve)),
    )
  server.close()
  await auth.close()
  console.log('done')
}

void main(process.argv.slice(2))
