/** The gate without a framework: the app is what it calls as `next`. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type OAuthContext, oauthModule } from 'oauth-module'
import { announce, chooseProvider, greeting, port } from './support/provider.js'

const gate = oauthModule({ provider: await chooseProvider() })

const server = createServer((req: IncomingMessage & { oauth?: OAuthContext }, res) => {
  gate(req, res, (error) => {
    res.statusCode = error === undefined ? 200 : 500
    res.setHeader('Content-Type', 'text/plain; charset=utf-8')
    res.end(error === undefined && req.oauth ? greeting(req.oauth) : 'Something went wrong.\n')
  })
})

server.listen(port, '127.0.0.1', () => announce((server.address() as AddressInfo).port))
