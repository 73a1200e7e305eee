/**
 * Accounts and roles in the app's own database: found or created at the login, and available at
 * every request without reading the database again.
 */
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import { oauthModule } from 'oauth-module'
import { announce, chooseProvider, port } from './support/provider.js'

declare global {
  namespace OAuthModule {
    interface Account {
      id: number
      roles: string[]
    }
  }
}

/** In place of a database. */
const accounts = new Map<string, OAuthModule.Account>()

const app = express()
app.use(
  oauthModule({
    provider: await chooseProvider(),
    // The key identifies the user. An email address may change, or belong to another user later.
    async onLogin({ key, email }) {
      const account = accounts.get(key) ?? {
        id: accounts.size + 1,
        roles: email === 'ada@example.com' ? ['admin'] : ['reader'],
      }
      accounts.set(key, account)
      return account
    },
  }),
)

/** Roles are those of the login: end the sessions of a user whose roles you change. */
function requireRole(role: string): RequestHandler {
  return (req, res, next) => {
    if (req.oauth.account?.roles.includes(role)) return next()
    res.status(403).type('text').send(`This page is for the role ${role}.\n`)
  }
}

app.get('/admin', requireRole('admin'), (_req, res) => {
  res.type('text').send(`${accounts.size} accounts\n`)
})
app.get('/', (req, res) => {
  res.json(req.oauth.account)
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  announce((server.address() as AddressInfo).port)
})
