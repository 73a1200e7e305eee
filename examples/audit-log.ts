/**
 * An audit log with pino: logins, denials and their reasons, ended sessions. Prints one line of
 * JSON per event.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { type OAuthEventName, type OAuthEvents, oauthModule } from 'oauth-module'
import { pino } from 'pino'
import { personPage } from './support/page.js'
import { announce, chooseProvider, port } from './support/provider.js'

const log = pino({ base: { name: 'audit' }, timestamp: pino.stdTimeFunctions.isoTime })
const auth = oauthModule({ provider: await chooseProvider(), authCheckInterval: 300 })

// A session handle is not a secret, and neither is a user key: no event contains a secret.
record('login', 'info', ({ user, sessionHandle }) => ({ user: user.key, session: sessionHandle }))
record('logout', 'info', ({ user, sessionHandle }) => ({ user: user.key, session: sessionHandle }))
record('denied', 'warn', ({ user, code, tried, decisionId, isReportOnly }) => ({
  user: user.key,
  code,
  tried,
  decisionId,
  isReportOnly,
}))
record('login_failed', 'warn', (facts) => facts)
record('recheck', 'info', ({ user, outcome, duration }) => ({ user: user.key, outcome, duration }))
record('recheck_failed', 'error', ({ user, outcome, code, hint }) => ({
  user: user.key,
  outcome,
  code,
  hint,
}))
record('expired', 'info', ({ sessionHandle }) => ({ session: sessionHandle }))
record('revoked', 'warn', ({ sessionHandle }) => ({ session: sessionHandle }))
record('store_error', 'error', (facts) => facts)

function record<Name extends OAuthEventName>(
  name: Name,
  level: 'info' | 'warn' | 'error',
  shown: (facts: OAuthEvents[Name]) => object,
): void {
  auth.on(name, (facts) => log[level]({ event: name, ...shown(facts) }))
}

const app = express()
app.use(auth)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  announce((server.address() as AddressInfo).port)
})
