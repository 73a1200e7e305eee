/**
 * Next.js behind the login, with a custom server: pages read the user from the upstream headers.
 *
 * In this folder: `npm install`, `npx next build`, `npm start`. Without a client ID, users log in at
 * the development provider.
 */
import express from 'express'
import next from 'next'
import { oauthModule } from 'oauth-module'

const port = Number(process.env.PORT ?? 3000)
const { GITHUB_CLIENT_ID: clientId, GITHUB_CLIENT_SECRET: clientSecret } = process.env

const app = next({ dev: process.argv.includes('--dev') })
await app.prepare()
const handle = app.getRequestHandler()

const server = express()
server.use(oauthModule({ provider: clientId ? { github: { clientId, clientSecret } } : 'dev' }))
server.use((req, res) => handle(req, res))
const listening = server.listen(port, () => {
  console.log(`http://localhost:${listening.address().port}`)
})
