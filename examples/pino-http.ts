/**
 * A request log with pino-http that contains the user and no secrets: neither cookies, nor tokens,
 * nor the authorization code of a callback.
 */
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { type OAuthContext, oauthModule } from 'oauth-module'
import { pino } from 'pino'
import { pinoHttp } from 'pino-http'
import { announce, chooseProvider, port } from './support/provider.js'

const logger = pino({
  redact: [
    'req.headers.cookie',
    'req.headers.authorization',
    'res.headers["set-cookie"]',
    // Of lines that log headers themselves, as below.
    'headers.cookie',
    'headers.authorization',
  ],
})

const app = express()
// In front of the gate, to log the requests that it rejects as well.
app.use(
  pinoHttp({
    logger,
    serializers: {
      // Queries contain codes, states, and whatever the app puts there.
      req: (req: { url: string; query?: unknown; params?: unknown }) => ({
        ...req,
        url: req.url.split('?', 1)[0],
        query: undefined,
        params: undefined,
      }),
      res: (res: { headers: Record<string, unknown> }) => ({
        ...res,
        headers: { ...res.headers, location: undefined },
      }),
    },
    customProps: (req: IncomingMessage & { oauth?: OAuthContext }) => ({
      user: req.oauth?.user?.key,
    }),
  }),
)
app.use(oauthModule({ provider: await chooseProvider(), logger }))
app.get('/{*path}', (req, res) => {
  req.log.info({ headers: req.headers }, 'the app')
  res.type('text').send(`Hello ${req.oauth.user?.name}\n`)
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  announce((server.address() as AddressInfo).port)
})
