/**
 * A self-hosted GitLab, also under a path, with a rule on groups. Without GITLAB_URL in the
 * environment, one is simulated on this machine.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { oauthModule } from 'oauth-module'
import { startVendor } from 'oauth-module/dev'
import { personPage } from './support/page.js'

const { GITLAB_URL, GITLAB_CLIENT_ID, GITLAB_CLIENT_SECRET } = process.env
const gitlab = GITLAB_URL
  ? { baseUrl: GITLAB_URL, clientId: GITLAB_CLIENT_ID, clientSecret: GITLAB_CLIENT_SECRET }
  : (
      await startVendor('gitlab', {
        settings: { basePath: '/gitlab' },
        users: [
          {
            id: '1815',
            username: 'ada',
            name: 'Ada Lovelace',
            email: 'ada@example.com',
            emailVerified: true,
            groups: ['acme', 'acme/engines'],
          },
        ],
      })
    ).options

const app = express()
app.use(
  oauthModule({
    provider: { gitlab: { ...gitlab, groups: ['acme/engines'] } },
    authCheckInterval: 300,
  }),
)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error
  console.log(`http://localhost:${(server.address() as AddressInfo).port}`)
})
