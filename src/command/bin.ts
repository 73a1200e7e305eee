import { createRequire } from 'node:module'
import { main } from './main.js'

/** Hides the arguments in the list of processes: they may contain a secret. */
process.title = 'oauth-module'

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
const result = await main(process.argv.slice(2), process, version)

if (typeof result === 'number') process.exitCode = result
else {
  process.on('SIGHUP', () => result.reload())
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      void result.close().then(() => process.exit(0))
    })
}
