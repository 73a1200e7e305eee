/**
 * A custom OAuth 2.0 connection: two endpoints, and a function that reads the user. Without a
 * client ID in the environment, the server is simulated on this machine. Also try
 * /auth/authn?connection=acme&who=ada.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { oauth2Provider, oauthModule } from 'oauth-module'
import { startVendor } from 'oauth-module/dev'
import { personPage } from './support/page.js'

const server = await settings()

const app = express()
app.use(
  oauthModule({
    provider: {
      acme: oauth2Provider({
        authorizationUrl: server.authorizationUrl,
        tokenUrl: server.tokenUrl,
        clientId: server.clientId,
        clientSecret: server.clientSecret,
        scopes: 'profile email',
        displayName: 'Acme',
        authorizationParams: { custom_param: 'custom.param.value' },
        authorizationParamsMap: { login_hint: 'who' },
        async fetchUserProfile(accessToken) {
          const response = await fetch(server.userUrl, {
            headers: { authorization: `Bearer ${accessToken}` },
          })
          if (!response.ok) throw new Error(`the user cannot be read: status ${response.status}`)
          const user = (await response.json()) as {
            user_id: string
            name?: string
            email?: string
            email_verified?: boolean
          }
          return {
            user_id: user.user_id,
            name: user.name,
            email: user.email,
            email_verified: user.email_verified,
          }
        },
      }),
    },
  }),
)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const listener = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error
  console.log(`http://localhost:${(listener.address() as AddressInfo).port}`)
})

async function settings() {
  const { ACME_URL, ACME_CLIENT_ID, ACME_CLIENT_SECRET } = process.env
  if (ACME_URL) {
    const at = (path: string) => new URL(path, ACME_URL).href
    return {
      authorizationUrl: at('/authorize'),
      tokenUrl: at('/token'),
      userUrl: at('/me'),
      clientId: ACME_CLIENT_ID,
      clientSecret: ACME_CLIENT_SECRET,
    }
  }
  const { origin, clientId, clientSecret } = await startVendor('oauth2', {
    users: [{ id: '1815', name: 'Ada Lovelace', email: 'ada@example.com', emailVerified: true }],
  })
  return {
    authorizationUrl: `${origin}/authorize`,
    tokenUrl: `${origin}/token`,
    userUrl: `${origin}/me`,
    clientId,
    clientSecret,
  }
}
