/**
 * The gate in Express 4 (this repository installs it as `express4`), in front of one router; the
 * rest of the site is public.
 */
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
  res.type('text').send('This page is public. /reports asks for a login.\n'),
)

const server = app.listen(port, '127.0.0.1', () => announce((server.address() as AddressInfo).port))
