/**
 * An audit log with pino: logins, denials and their reasons, ended sessions, and what administrators
 * do, each with address, browser, and the ID of its request. Prints one line of JSON per event.
 * ADMIN_TOKEN is the token of the admin API; without it, one is created for this run and printed.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { type OAuthEventName, type OAuthEvents, oauthModule } from 'oauth-module'
import { adminRouter } from 'oauth-module/admin'
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
record('login_failed', 'warn', ({ provider, code, hint }) => ({ provider, code, hint }))
record('recheck', 'info', ({ user, outcome, duration }) => ({ user: user.key, outcome, duration }))
record('recheck_failed', 'error', ({ user, outcome, code, hint }) => ({
  user: user.key,
  outcome,
  code,
  hint,
}))
record('expired', 'info', ({ sessionHandle }) => ({ session: sessionHandle }))
record('revoked', 'warn', ({ sessionHandle, reason }) => ({ session: sessionHandle, reason }))
record('device_bound', 'info', ({ user, sessionHandle }) => ({
  user: user.key,
  session: sessionHandle,
}))
record('moved', 'warn', ({ user, parts, action }) => ({ user: user.key, parts, action }))
record('store_error', 'error', ({ code, hint }) => ({ code, hint }))
record('admin_action', 'warn', ({ actor, action, resource, changes }) => ({
  ...{ actor, action, resource },
  changed: changes?.map(({ field }) => field),
}))

function record<Name extends Exclude<OAuthEventName, 'signal'>>(
  name: Name,
  level: 'info' | 'warn' | 'error',
  shown: (facts: OAuthEvents[Name]) => object,
): void {
  // The origin is absent if no request caused the event. JSON leaves out what is undefined.
  auth.on(name, (facts) => log[level]({ event: name, ...shown(facts), ...facts.origin }))
}

const app = express()
// In front of the gate, so that events have the ID. pino-http sets one as well.
app.use((req, _res, next) => {
  req.id = randomUUID()
  next()
})
const token = process.env.ADMIN_TOKEN ?? randomBytes(32).toString('hex')
app.use('/admin', adminRouter({ 'main/app': auth }, { tokens: { operator: token } }))
app.use(auth)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  const { port } = server.address() as AddressInfo
  announce(port)
  if (process.env.ADMIN_TOKEN !== undefined) return
  const curl = `curl -H "Authorization: Bearer ${token}"`
  console.log(`Who is signed in: ${curl} http://localhost:${port}/admin/app/sessions`)
  console.log('End a session: the same with -X DELETE and the "uri" of a session')
})
