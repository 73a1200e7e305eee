// Measures the CPU that a server spends per request. Rounds interleave the contenders, so that
// other load on the machine affects all of them equally; the median of the rounds counts.
import { fork } from 'node:child_process'
import { cpus } from 'node:os'
import { load, login } from './client.js'
import { startProvider } from './provider.js'

const rounds = Number(process.env.ROUNDS ?? 15)
const count = Number(process.env.REQUESTS ?? 10_000)
const browser = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' }
const script = { Accept: 'application/json' }

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

const provider = await startProvider()
const ask = (child, message) =>
  new Promise((resolve) => {
    child.once('message', resolve)
    if (message) child.send(message)
  })

const running = await Promise.all(
  contenders.map(async ({ logsIn, headers, ...contender }) => {
    const child = fork(new URL('server.js', import.meta.url), [contender.server, provider.issuer], {
      env: { ...process.env, NODE_ENV: 'development' },
    })
    const { port } = await ask(child)
    const cookie = logsIn ? { Cookie: await login(`http://localhost:${port}/`) } : {}
    return { ...contender, child, port, headers: { ...headers, ...cookie }, samples: [] }
  }),
)

for (let round = -3; round < rounds; round++) {
  for (const { child, samples, ...contender } of running) {
    const before = (await ask(child, 'cpu')).cpu
    const sent = await load({ ...contender, count })
    const after = (await ask(child, 'cpu')).cpu
    // The first rounds warm up.
    if (round >= 0) samples.push((after.user + after.system - before.user - before.system) / sent)
  }
}
for (const { child } of running) child.disconnect()
provider.close()

const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const [bare, noOp] = running
// Differences and ratios are computed within a round.
const against = ({ samples }, base, compare) =>
  middle(samples.map((value, index) => compare(value, base.samples[index])))
console.log(
  `Node ${process.version}, ${cpus()[0].model}, ${rounds} rounds of ${count} requests; CPU of the server per request`,
)
console.table(
  Object.fromEntries(
    running.map((one) => [
      one.name,
      {
        µs: middle(one.samples).toFixed(1),
        'times bare': against(one, bare, (value, base) => value / base).toFixed(2),
        'µs above no-op': against(one, noOp, (value, base) => value - base).toFixed(1),
      },
    ]),
  ),
)
