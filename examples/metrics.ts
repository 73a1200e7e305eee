/**
 * Prometheus counters with prom-client, at /metrics on a separate port: the gate's decisions and
 * their duration.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { oauthModule } from 'oauth-module'
import { Counter, Histogram, Registry } from 'prom-client'
import { personPage } from './support/page.js'
import { announce, chooseProvider, port } from './support/provider.js'

const registers = [new Registry()]
const requests = new Counter({
  name: 'oauth_requests_total',
  help: 'Requests by decision and reason',
  labelNames: ['decision', 'reason'],
  registers,
})
const seconds = new Histogram({
  name: 'oauth_request_seconds',
  help: 'Time until the answer was out',
  labelNames: ['decision'],
  registers,
})
const logins = new Counter({
  name: 'oauth_logins_total',
  help: 'Logins by outcome',
  labelNames: ['outcome'],
  registers,
})
const checks = new Counter({
  name: 'oauth_checks_total',
  help: 'Re-checks by outcome',
  labelNames: ['outcome'],
  registers,
})
const checkSeconds = new Histogram({
  name: 'oauth_check_seconds',
  help: 'Time of a re-check',
  registers,
})

const auth = oauthModule({ provider: await chooseProvider(), authCheckInterval: 300 })

// Labels are a few fixed names, never a user, a path, or an address.
auth.on('http_request_complete', ({ oauth: { decision }, reason = 'none', duration }) => {
  requests.inc({ decision, reason })
  seconds.observe({ decision }, duration / 1000)
})
auth.on('login', () => logins.inc({ outcome: 'ok' }))
auth.on('login_failed', ({ code }) => logins.inc({ outcome: code }))
auth.on('recheck', ({ outcome, duration }) => {
  checks.inc({ outcome })
  checkSeconds.observe(duration / 1000)
})
auth.on('recheck_failed', ({ outcome }) => checks.inc({ outcome }))

const app = express()
app.use(auth)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const metrics = express()
metrics.get('/metrics', async (_req, res) => {
  const [registry] = registers
  res.type(registry?.contentType ?? 'text').send(await registry?.metrics())
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  const metricsServer = metrics.listen(Number(process.env.METRICS_PORT ?? 0), '127.0.0.1', () => {
    announce((server.address() as AddressInfo).port)
    console.log(
      `Its counters: http://127.0.0.1:${(metricsServer.address() as AddressInfo).port}/metrics`,
    )
  })
})
