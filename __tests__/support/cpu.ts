import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** CPU time of this process during `work`, in milliseconds: other processes do not count. */
async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** The least CPU time of several runs: garbage collection and a busy machine only add to it. */
export async function leastCpu(work: () => unknown, isEnough: (ms: number) => boolean, runs = 6) {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs && !isEnough(least); run++)
    least = Math.min(least, await cpuOf(work))
  return least
}

/** CPU time for receiving this text over HTTP, decoding it and parsing it as JSON. */
export async function cpuOfReading(text: string): Promise<number> {
  const body = Buffer.from(JSON.stringify([text]))
  const server = createServer((_, res) => void res.end(body)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const read = async () => void (await (await fetch(`http://127.0.0.1:${port}/`)).json())
  const least = await leastCpu(read, () => false)
  server.close()
  server.closeAllConnections()
  return least
}
