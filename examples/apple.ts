/**
 * Sign in with Apple. Apple posts its response (`response_mode=form_post`), takes a signed JWT as
 * client secret, and sends the user's name once, at the first login, in a form field. Without
 * APPLE_CLIENT_ID in the environment, Apple is simulated on this machine.
 *
 * With an account, the app must be reached over https at a domain that is registered at Apple:
 * APPLE_CLIENT_ID (Services ID), APPLE_TEAM_ID, APPLE_KEY_ID, APPLE_PRIVATE_KEY (the .p8 file),
 * BASE_URL.
 * https://developer.apple.com/documentation/signinwithapplerestapi
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { defineProvider, oauthModule } from 'oauth-module'
import { startVendor } from 'oauth-module/dev'
import { createClientSecret } from './support/apple-client-secret.js'
import { personPage } from './support/page.js'

/** Names by Apple's user ID. Apple does not send them again: keep them in your database. */
const names = new Map<string, string>()

const settings = await appleSettings()

const app = express()
app.use(
  oauthModule({
    provider: {
      apple: defineProvider({
        displayName: 'Apple',
        color: '#000000',
        clientId: settings.clientId,
        clientSecret: settings.clientSecret,
        openid: true,
        issuer: settings.issuer,
        // Apple posts its response if one of these is requested.
        scopes: settings.scopes,
        responseMode: 'form_post',
        // Apple documents no PKCE.
        pkce: false,
        identity({ claims, callbackParams }) {
          const id = String(claims['sub'])
          const name = nameIn(callbackParams['user'])
          if (name !== undefined) names.set(id, name)
          // The email only from the ID token: the form comes through the browser, unsigned.
          const { email, email_verified: verified } = claims
          return {
            id,
            name: names.get(id),
            email: typeof email === 'string' ? email : undefined,
            emailVerified: verified === true || verified === 'true',
            claims,
          }
        },
      }),
    },
    ...(process.env.BASE_URL && { baseUrl: process.env.BASE_URL }),
  }),
)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error
  console.log(`http://localhost:${(server.address() as AddressInfo).port}`)
})

/** The name in Apple's form field: `{"name":{"firstName":"Ada","lastName":"Lovelace"}}`. */
function nameIn(user: string | undefined): string | undefined {
  if (user === undefined) return undefined
  try {
    const { name } = JSON.parse(user) as { name?: { firstName?: unknown; lastName?: unknown } }
    const parts = [name?.firstName, name?.lastName].filter((part) => typeof part === 'string')
    return parts.join(' ').slice(0, 200) || undefined
  } catch {
    return undefined
  }
}

async function appleSettings() {
  const { APPLE_CLIENT_ID, APPLE_TEAM_ID, APPLE_KEY_ID, APPLE_PRIVATE_KEY } = process.env
  if (APPLE_CLIENT_ID)
    return {
      issuer: 'https://appleid.apple.com',
      clientId: APPLE_CLIENT_ID,
      clientSecret: await createClientSecret({
        clientId: APPLE_CLIENT_ID,
        teamId: APPLE_TEAM_ID ?? '',
        keyId: APPLE_KEY_ID ?? '',
        privateKey: APPLE_PRIVATE_KEY ?? '',
      }),
      scopes: ['name', 'email'],
    }
  const { origin, clientId, clientSecret } = await startVendor('oidc', {
    users: [{ id: '001815.ada', email: 'ada@example.com', emailVerified: true }],
    settings: {
      issInCallback: false,
      formFields: { user: '{"name":{"firstName":"Ada","lastName":"Lovelace"}}' },
    },
  })
  return { issuer: origin, clientId, clientSecret, scopes: ['openid', 'email'] }
}
