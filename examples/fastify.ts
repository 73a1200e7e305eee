/** The gate in Fastify, which accepts Connect middleware through `@fastify/middie`. */
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import middie from '@fastify/middie'
import { fastify } from 'fastify'
import { type OAuthContext, oauthModule } from 'oauth-module'
import { announce, chooseProvider, greeting, port } from './support/provider.js'

const app = fastify()
await app.register(middie)
app.use(oauthModule({ provider: await chooseProvider() }))
app.get('/*', (request, reply) => {
  // The gate sets its properties on the request of Node, not on Fastify's own.
  const { oauth } = request.raw as IncomingMessage & { oauth: OAuthContext }
  return reply.type('text/plain').send(greeting(oauth))
})

await app.listen({ port, host: '127.0.0.1' })
announce((app.server.address() as AddressInfo).port)
