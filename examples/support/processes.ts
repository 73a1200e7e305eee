import cluster from 'node:cluster'
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { oauthModule, type OAuthModuleOptions, oidcProvider } from 'oauth-module'
import { devProvider } from 'oauth-module/dev'

/**
 * Starts two processes of this program that share provider and secret, and replaces those that die.
 */
export async function startTwo(more: Record<string, string> = {}): Promise<void> {
  const { issuer, clientId, clientSecret } = await devProvider()
  const env = {
    OAUTH_MODULE_SECRET: process.env.OAUTH_MODULE_SECRET ?? randomBytes(32).toString('hex'),
    ISSUER: issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    ...more,
  }
  const serving = new Set<number>()
  cluster.on('listening', ({ id }) => serving.add(id))
  // A process that cannot even start would die again and again.
  cluster.on('exit', ({ id }) => (serving.has(id) ? cluster.fork(env) : process.exit(1)))
  for (let count = 0; count < 2; count++) cluster.fork(env)
  // Everything else that was started ends with this process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit())
}

/** An app in one of these processes; its page names the process. */
export function serve(options: Pick<OAuthModuleOptions, 'store'>): void {
  const app = express()
  const { ISSUER = '', CLIENT_ID, CLIENT_SECRET } = process.env
  app.use(
    oauthModule({
      provider: {
        dev: oidcProvider({
          issuer: ISSUER,
          clientId: CLIENT_ID,
          clientSecret: CLIENT_SECRET,
          emailDomains: ['example.com'],
        }),
      },
      authCheckInterval: 300,
      ...options,
    }),
  )
  app.get('/{*path}', (req, res) => {
    res.type('text').send(`Hello ${req.oauth.user?.name}, process ${process.pid} recognizes you\n`)
  })
  const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
    if (error) throw error
    if (cluster.worker?.id === 1)
      console.log(
        `Two processes behind oauth-module: http://localhost:${(server.address() as AddressInfo).port}`,
      )
  })
}
