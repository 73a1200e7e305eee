// Measures the CPU that the command spends per request of a user with a session: session check, identity headers, log line,
// and proxying. Next to it, a bare proxy of the same library. Ratios are computed within a round.
import { fork } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { load, login } from './client.js'
import { startProvider } from './provider.js'

const rounds = Number(process.env.ROUNDS ?? 15)
const count = Number(process.env.REQUESTS ?? 10_000)
const bundle = fileURLToPath(new URL('node_modules/.cache/gateway.mjs', import.meta.url))

await build({
  stdin: {
    contents: `
      export { startGateway } from '../src/command/gateway/index.ts'
      export { oidcProvider } from '../src/index.ts'
      export { createProxyServer } from 'httpxy'`,
    resolveDir: fileURLToPath(new URL('.', import.meta.url)),
  },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outfile: bundle,
  external: ['cookie', 'jose', 'lru-cache', 'openid-client'],
})

const contenders = [
  { name: 'bare proxy', proxy: 'bare' },
  { name: 'bare proxy with X-Forwarded-*', proxy: 'bare-forwarded' },
  { name: 'the command, on an allowed path', proxy: 'gateway-allowed' },
  { name: 'the command, logged in', proxy: 'gateway-checks', logsIn: true },
  { name: '… with log lines', proxy: 'gateway-logs', logsIn: true },
  { name: '… and with tokens', proxy: 'gateway', logsIn: true },
]

const provider = await startProvider()
const upstream = fork(new URL('command-proxy.js', import.meta.url), ['upstream'])
const ask = (child, message) =>
  new Promise((resolve) => {
    child.once('message', resolve)
    if (message) child.send(message)
  })
const { port: upstreamPort } = await ask(upstream)

const running = await Promise.all(
  contenders.map(async ({ name, proxy, logsIn }) => {
    const args = [proxy, bundle, String(upstreamPort), provider.issuer]
    const child = fork(new URL('command-proxy.js', import.meta.url), args, {
      // The log has a line for each request.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    })
    const { port } = await ask(child)
    const cookie = logsIn ? { Cookie: await login(`http://localhost:${port}/`) } : {}
    const headers = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', ...cookie }
    return { name, child, port, headers, status: 200, samples: [] }
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
upstream.disconnect()
provider.close()

const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const [bare] = running
console.log(
  `Node ${process.version}, ${cpus()[0].model}, ${rounds} rounds of ${count} requests; CPU of the proxy per request`,
)
console.table(
  Object.fromEntries(
    running.map(({ name, samples }) => [
      name,
      {
        µs: middle(samples).toFixed(1),
        'requests per CPU second': Math.round(1e6 / middle(samples)),
        'times bare': middle(samples.map((value, index) => value / bare.samples[index])).toFixed(2),
      },
    ]),
  ),
)
