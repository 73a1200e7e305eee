// Measures the CPU that a server spends per request, and writes the results to results/, one file for each
// major version of Node. report.js creates docs/performance.md from them.
import { fork } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { tables } from './contenders.js'
import { startProvider } from './provider.js'
import { count, measure, processes, rounds, startAll, summarize } from './rounds.js'

const provider = await startProvider()
const results = {
  node: process.version,
  cpu: `${cpus().length} × ${cpus()[0].model}`,
  date: new Date().toISOString().slice(0, 10),
  rounds,
  requests: count,
  processes,
  tables: {},
}
for (const { id, title, contenders } of tables) {
  const measured = await measure(() =>
    startAll(contenders.map(withToken), ({ server }) =>
      fork(new URL('server.js', import.meta.url), [server, provider.issuer], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        env: { ...process.env, NODE_ENV: 'production' },
      }),
    ),
  )
  results.tables[id] = measured.map((one) => ({ name: one.name, ...summarize(one, measured[0]) }))
  console.log(`\n${title}: µs of CPU, ${rounds} rounds, Node ${process.version}`)
  console.table(
    Object.fromEntries(results.tables[id].map(({ name, ...columns }) => [name, columns])),
  )
}
provider.close()

function withToken({ usesToken, ...contender }) {
  if (usesToken !== true) return contender
  const token = { Authorization: `Bearer ${provider.accessToken}` }
  return { ...contender, headers: { ...contender.headers, ...token } }
}

const folder = new URL('results/', import.meta.url)
mkdirSync(folder, { recursive: true })
const [major] = process.versions.node.split('.')
writeFileSync(new URL(`node-${major}.json`, folder), `${JSON.stringify(results, undefined, 2)}\n`)
