/** The gate in Connect. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import connect from 'connect'
import { type OAuthContext, oauthModule } from 'oauth-module'
import { announce, chooseProvider, greeting, port } from './support/provider.js'

const app = connect()
app.use(oauthModule({ provider: await chooseProvider() }))
app.use((req: IncomingMessage & { oauth?: OAuthContext }, res) => {
  res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  res.end(req.oauth && greeting(req.oauth))
})

const server = createServer(app).listen(port, '127.0.0.1', () =>
  announce((server.address() as AddressInfo).port),
)
