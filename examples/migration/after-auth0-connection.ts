/**
 * A custom OAuth 2.0 connection of Auth0 in the app itself: see
 * docs/migrate-from-auth0-connections.md
 */
import express from 'express'
import { oauth2Provider, oauthModule } from 'oauth-module'
import { listen } from './support/listen.js'
import { startOAuth2 } from './support/vendors.js'

const { origin, clientId, clientSecret } = await startOAuth2()

type Profile = { user_id: string; name: string; email: string }

/** The connection's `scripts.fetchUserProfile`, with fetch in place of request. */
function fetchUserProfile(
  accessToken: string,
  _context: unknown,
  callback: (error: unknown, profile?: Profile) => void,
): void {
  fetch(`${origin}/me`, { headers: { Authorization: `Bearer ${accessToken}` } })
    .then((response) => response.json() as Promise<Profile>)
    .then(
      ({ user_id, name, email }) => callback(null, { user_id, name, email }),
      (error: unknown) => callback(error),
    )
}

const app = express()
app.use(
  oauthModule({
    provider: {
      'my-connection': oauth2Provider({
        displayName: 'My connection', // display_name
        authorizationUrl: `${origin}/authorize`, // options.authorizationURL
        tokenUrl: `${origin}/token`, // options.tokenURL
        clientId, // options.client_id
        clientSecret, // options.client_secret
        scopes: ['profile', 'email'], // options.scope: 'profile email'
        authorizationParams: { audience: 'api' }, // options.authParams
        authorizationParamsMap: { login_hint: 'login_hint' }, // options.authParamsMap
        tokenHeaders: { 'X-Api-Version': '2' }, // options.customHeaders
        fetchUserProfile, // options.scripts.fetchUserProfile
      }),
    },
  }),
)
app.get('/profile', (req, res) => {
  const { user } = req.oauth
  res.json({ key: user?.key, id: user?.id, name: user?.name, email: user?.email })
})

console.log(await listen(app))
