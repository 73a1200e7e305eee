/** The gate in Express 4 (`express4` is this repository's name for it), in front of one router only: the rest of the site is open. */
import type { AddressInfo } from 'node:net'
import { oauthModule } from 'oauth-module'
import express from 'express4'
import { announce, chooseProvider, greeting, port } from './support/provider.js'

const reports = express.Router()
reports.use(oauthModule({ provider: await chooseProvider() }))
reports.get('*', (req, res) => res.type('text').send(greeting(req.oauth)))

const app = express()
app.use('/reports', reports)
app.get('/', (_req, res) =>
  res.type('text').send('Everybody may read this. /reports asks for a login.\n'),
)

const server = app.listen(port, '127.0.0.1', () => announce((server.address() as AddressInfo).port))
