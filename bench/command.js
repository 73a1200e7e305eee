// Measures the CPU that the command spends per request of a user with a session: session check, identity
// headers, log line, and proxying. Next to it, a bare proxy of the same library. Every contender gets
// the same request; where there is no gate, its cookie reaches the upstream.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { hasApache } from './apache.js'
import { startProvider } from './provider.js'
import { against, ask, measure, middle, print, startAll } from './rounds.js'

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

const browser = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' }
/** As long as that of a session. */
const headers = { ...browser, Cookie: `ngrok.session=${'x'.repeat(43)}` }

const contenders = [
  { name: 'bare proxy', proxy: 'bare', headers },
  { name: 'bare proxy with X-Forwarded-*', proxy: 'bare-forwarded', headers },
  { name: 'hand-written proxy', proxy: 'hand-written', headers },
  { name: 'the command, on an allowed path', proxy: 'gateway-allowed', headers },
  { name: 'the command, logged in', proxy: 'gateway-checks', headers, logsIn: true },
  { name: '… with log lines', proxy: 'gateway-logs', headers, logsIn: true },
  { name: '… and with tokens', proxy: 'gateway', headers, logsIn: true },
  ...(hasApache
    ? [
        { name: 'Apache', file: 'apache.js', proxy: 'plain', headers },
        {
          name: 'Apache, mod_auth_openidc',
          file: 'apache.js',
          proxy: 'guarded',
          headers,
          logsIn: true,
        },
      ]
    : []),
].map((contender) => ({ file: 'command-proxy.js', ...contender, status: 200 }))
if (!hasApache)
  console.log(
    'Apache is not measured: apache2-bin and libapache2-mod-auth-openidc are not installed',
  )

const provider = await startProvider()
const upstream = fork(new URL('command-proxy.js', import.meta.url), ['upstream'])
const { port: upstreamPort } = await ask(upstream)

const measured = await measure(() =>
  startAll(contenders, ({ file, proxy }) =>
    fork(new URL(file, import.meta.url), [proxy, bundle, String(upstreamPort), provider.issuer], {
      // The log has a line for each request.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    }),
  ),
)
upstream.disconnect()
provider.close()

const [bare] = measured
print('proxy', measured, (one) => ({
  'requests per CPU second': Math.round(1e6 / middle(one.samples)),
  'times bare': against(one, bare, (value, base) => value / base).toFixed(2),
}))
