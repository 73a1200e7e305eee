// Measures the CPU that a server spends per request.
import { fork } from 'node:child_process'
import { startProvider } from './provider.js'
import { against, measure, print, startAll } from './rounds.js'

const browser = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' }
const script = { Accept: 'application/json' }

const provider = await startProvider()
const contenders = [
  { name: 'bare Express 5', server: 'bare', headers: browser, status: 200 },
  {
    name: 'and a no-op middleware, one more route',
    server: 'no-op',
    headers: { ...browser, Cookie: `ngrok.session=${'x'.repeat(43)}` },
    status: 200,
  },
  {
    name: 'a cookie read, req.user, req.oauth and a header set',
    server: 'least login',
    headers: { ...browser, Cookie: `ngrok.session=${'x'.repeat(43)}` },
    status: 200,
  },
  { name: 'the gate, logged in', server: 'gate', headers: browser, status: 200, logsIn: true },
  {
    name: 'the gate, the same access token (JWT) again and again',
    server: 'gate with tokens',
    headers: { ...script, Authorization: `Bearer ${provider.accessToken}` },
    status: 200,
  },
  { name: 'the gate, 401', server: 'gate', headers: script, status: 401 },
  { name: 'the gate, redirect to the login', server: 'gate', headers: browser, status: 302 },
  {
    name: 'express-openid-connect, logged in',
    server: 'express-openid-connect',
    headers: browser,
    status: 200,
    logsIn: true,
  },
]

const running = await startAll(contenders, ({ server }) =>
  fork(new URL('server.js', import.meta.url), [server, provider.issuer], {
    env: { ...process.env, NODE_ENV: 'development' },
  }),
)
await measure(running)
provider.close()

const [bare, noOp] = running
print('server', running, (one) => ({
  'times bare': against(one, bare, (value, base) => value / base).toFixed(2),
  'µs above no-op': against(one, noOp, (value, base) => value - base).toFixed(1),
}))
