// Measures what a request of a device-bound session costs, next to that of another session.
import { fork } from 'node:child_process'
import { boundLogin } from './bound-session.js'
import { startProvider } from './provider.js'
import { against, ask, measure, print } from './rounds.js'

const contenders = [
  { name: 'without the option deviceBound', server: 'off', binds: false },
  { name: 'a session that is not bound', server: 'on', binds: false },
  { name: 'a bound session', server: 'on', binds: true },
  { name: 'a bound session, with a listener of moved', server: 'moves', binds: true },
]

const provider = await startProvider()
const measured = await measure(() => Promise.all(contenders.map(start)))
provider.close()

const [, unbound] = measured
print('server', measured, (one) => ({
  'times not bound': against(one, unbound, (value, base) => value / base).toFixed(2),
}))

async function start({ name, server, binds }) {
  const child = fork(new URL('bound-server.js', import.meta.url), [server, provider.issuer])
  const { port } = await ask(child)
  const cookies = await boundLogin(port, binds)
  // The requests of all contenders have the same length.
  if (server === 'off') cookies.set('__Host-ngrok.bound', `${'x'.repeat(8)}.${'x'.repeat(22)}`)
  const Cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
  const headers = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', Cookie }
  return { name, child, port, headers, status: 200 }
}
