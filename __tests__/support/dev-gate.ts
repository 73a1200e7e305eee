import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type * as OAuthModulePackage from '../../src/index.js'

/**
 * An app behind a gate with the development provider, as an installed package. The argument is the
 * options as JSON. Prints the port, and the message of an exception.
 */
async function main(): Promise<void> {
  const name = 'oauth-module'
  const { oauthModule } = (await import(name)) as typeof OAuthModulePackage
  const options = JSON.parse(process.argv[2] ?? '{}') as never
  const auth = oauthModule(options)
  const server = createServer((req, res) =>
    auth(req, res, () => {
      const { user } = (req as { oauth?: { user?: object } }).oauth ?? {}
      res.end(JSON.stringify(user))
    }),
  )
  server.listen(0, '127.0.0.1', () =>
    process.send?.({ port: (server.address() as AddressInfo).port }),
  )
  process.on('message', () => {
    server.close()
    server.closeAllConnections()
    void auth.close().then(() => process.disconnect())
  })
}

main().catch((error: unknown) => {
  process.send?.({ error: error instanceof Error ? error.message : String(error) })
})
