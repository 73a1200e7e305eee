/**
 * Spans with the OpenTelemetry API: one for each request that the gate saw, one for each re-check.
 * Without an SDK, the API does nothing; register one to export the spans. This example prints them.
 */
import type { AddressInfo } from 'node:net'
import { SpanStatusCode, trace, type Tracer, type TracerProvider } from '@opentelemetry/api'
import express from 'express'
import { oauthModule } from 'oauth-module'
import { personPage } from './support/page.js'
import { announce, chooseProvider, port } from './support/provider.js'
import { printingTracer } from './support/printing-tracer.js'

trace.setGlobalTracerProvider({
  getTracer: (): Tracer => printingTracer((line) => console.log(line)),
} satisfies TracerProvider)

const tracer = trace.getTracer('oauth-module')
const auth = oauthModule({ provider: await chooseProvider(), authCheckInterval: 300 })

auth.on('http_request_complete', ({ oauth, method, path, status, duration, reason }) => {
  const attributes = {
    'http.request.method': method,
    'url.path': path,
    'http.response.status_code': status,
    'oauth.decision': oauth.decision,
    'enduser.id': oauth.user.id,
    'oauth.reason': reason,
  }
  const span = tracer.startSpan('oauth gate', { startTime: Date.now() - duration, attributes })
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: reason ?? '' })
  span.end()
})
auth.on('recheck', ({ user, outcome, duration }) => {
  tracer
    .startSpan('oauth re-check', {
      startTime: Date.now() - duration,
      attributes: { 'enduser.id': user.id, 'oauth.outcome': outcome },
    })
    .end()
})
auth.on('recheck_failed', ({ user, outcome, code }) => {
  const span = tracer.startSpan('oauth re-check', {
    attributes: { 'enduser.id': user.id, 'oauth.outcome': outcome },
  })
  span.setStatus({ code: SpanStatusCode.ERROR, message: code })
  span.end()
})

const app = express()
app.use(auth)
app.get('/{*path}', (req, res) => {
  res.send(personPage(req))
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  announce((server.address() as AddressInfo).port)
})
