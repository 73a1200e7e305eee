import { startGateway } from '../../src/command/gateway/index.js'
import { oidcProvider } from '../../src/index.js'

/** What the parent says. */
export interface GatewayProcessSetup {
  provider: { issuer: string; clientId: string; clientSecret: string }
  secret: string
  target: string
}

/** What the parent can ask for, by name. */
export interface GatewayReport {
  /** Mebibytes, after the garbage was collected. */
  memory: number
  /** The highest since the last report, in mebibytes. */
  peak: number
  /** Microseconds of CPU since the start. */
  cpu: number
}

let peak = 0

function resident(): number {
  return process.memoryUsage.rss() / 1024 ** 2
}

async function start({ provider, secret, target }: GatewayProcessSetup): Promise<void> {
  const gateway = await startGateway({
    options: { provider: { idp: oidcProvider(provider) }, secret },
    target: new URL(target),
    listen: { host: '127.0.0.1', port: 0 },
  })
  setInterval(() => (peak = Math.max(peak, resident())), 20).unref()
  process.on('message', (message) => {
    if (message === 'close') void gateway.close().then(() => process.disconnect())
    else if (message === 'report') process.send?.(report())
  })
  process.send?.({ port: gateway.port })
}

function report(): GatewayReport {
  const { user, system } = process.cpuUsage()
  const highest = Math.max(peak, resident())
  globalThis.gc?.()
  globalThis.gc?.()
  peak = 0
  return { memory: resident(), peak: highest, cpu: user + system }
}

process.once('message', (setup) => {
  start(setup as GatewayProcessSetup).catch((error: unknown) => {
    process.send?.({ error: String(error) })
  })
})
