import type { IncomingMessage } from 'node:http'
import { startVendor } from '../../src/dev/vendors/index.js'
import { memoryStore, type OAuthContext, oauthModule } from '../../src/index.js'
import { oidcOf, secret } from './gate.js'
import { createBrowser } from './jar.js'
import { listen } from './server.js'

/**
 * A gate that has used everything with a timer: re-checks, the signal of a request, a watch on the
 * stored configuration. Ends when nothing keeps the process alive.
 */
async function run(mustClose: boolean): Promise<void> {
  const vendor = await startVendor('oidc')
  const gate = oauthModule({
    provider: { idp: oidcOf(vendor) },
    secret,
    store: memoryStore(),
    authCheckInterval: 3600,
    inactivityTimeout: 3600,
    configVersion: 1,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const signals: (AbortSignal | undefined)[] = []
  const server = await listen(
    (req, res) =>
      void gate(req, res, () => {
        signals.push((req as IncomingMessage & { oauth?: OAuthContext }).oauth?.signal)
        res.end('ok')
      }),
  )
  await gate.ready()
  const page = await createBrowser().get(`${server.origin}/`)
  await Promise.all([server.close(), vendor.close()])
  if (mustClose) await gate.close()
  process.send?.({ status: page.status, signals: signals.length })
  process.disconnect()
}

process.once('message', (mustClose) => void run(mustClose === true))
