// A short form for CI: fails if a request through the gate costs far more than it did, in relation to the
// same server without the gate. The limits are about twice what was measured, and noise gets further tries.
import { fork } from 'node:child_process'
import { tables } from './contenders.js'
import { startProvider } from './provider.js'
import { measure, startAll, summarize } from './rounds.js'

/** Times the CPU of a server with a no-op middleware, which is much less since Node 24. */
const [major] = process.versions.node.split('.')
const limits =
  Number(major) < 24
    ? { 'oauth-module': 2.4, 'oauth-module, 401': 3.6, 'oauth-module, redirect to the login': 5.4 }
    : { 'oauth-module': 3.2, 'oauth-module, 401': 5, 'oauth-module, redirect to the login': 12 }
const TRIES = 3

const [{ contenders: loggedIn }, , { contenders: anonymous }] = tables
const [base] = loggedIn
const limited = [...loggedIn, ...anonymous].filter(({ name }) => name in limits)

async function attempt() {
  const provider = await startProvider()
  const [bare, ...measured] = await measure(() =>
    startAll([base, ...limited], ({ server }) =>
      fork(new URL('server.js', import.meta.url), [server, provider.issuer], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        env: { ...process.env, NODE_ENV: 'production' },
      }),
    ),
  )
  provider.close()
  const ratios = measured.map((one) => [one.name, summarize(one, bare).ratio])
  for (const [name, ratio] of ratios)
    console.log(`${name}: ${ratio} times a no-op middleware, at most ${limits[name]}`)
  return ratios.every(([name, ratio]) => ratio <= limits[name])
}

let isFast = false
for (let tries = 0; tries < TRIES && !isFast; tries++) isFast = await attempt()
if (!isFast) console.log('The gate has become slower: profile it, or explain the new limits.')
process.exit(isFast ? 0 : 1)
