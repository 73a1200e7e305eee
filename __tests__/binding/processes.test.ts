import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { createBoundClient, createDevice } from '../support/bound-client.js'
import type { BoundProcessSetup } from '../support/bound-process.js'
import { secret } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { createPrivateCa, type PrivateCa } from '../support/private-ca.js'
import { type RedisServer, startRedis } from '../support/redis.js'

let vendor: VendorServer
let ca: PrivateCa
let redis: RedisServer
const children: ChildProcess[] = []

beforeAll(async () => {
  vendor = await startVendor('oidc')
  ca = createPrivateCa(['localhost'])
  redis = await startRedis()
})
afterAll(async () => {
  await Promise.all(children.map((child) => stop(child)))
  await Promise.all([vendor.close(), redis.close()])
  ca.remove()
})

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}

/** Starts a process, and returns its origin. */
async function startProcess(): Promise<{ origin: string; child: ChildProcess }> {
  const child = fork(join(process.cwd(), '__tests__/support/bound-process.ts'), [], {
    execArgv: ['--import', 'tsx'],
  })
  children.push(child)
  const setup: BoundProcessSetup = {
    redisPort: redis.port,
    provider: vendor.options as BoundProcessSetup['provider'],
    secret,
    tls: { key: ca.key.toString(), cert: ca.cert.toString() },
  }
  child.send(setup)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { origin: `https://localhost:${port}`, child }
}

test('two processes on one Redis bind and renew a session, and accept each proof once between them', async () => {
  const [one, two] = [await startProcess(), await startProcess()]
  const client = createBoundClient(one.origin)
  const { browser } = client
  expect((await client.signIn(`${one.origin}/`)).status).toBe(200)
  client.origin = two.origin
  expect((await client.register()).status).toBe(200)
  expect((await client.register({ device: createDevice() })).status).toBe(400)
  for (const { origin } of [one, two])
    expect((await browser.get(`${origin}/`)).body).toBe('{"isDeviceBound":true}')

  const session = browser.cookies(one.origin).find(({ key }) => key.endsWith('.session'))
  const headers = {
    Cookie: String(session?.cookieString()),
    Accept: '*/*',
    'Sec-Fetch-Mode': 'cors',
  }
  for (const { origin } of [one, two])
    expect((await createBrowser().get(`${origin}/`, { headers, follow: false })).status).toBe(401)

  const { challenge = '' } = client
  const proofs = [one, two, one, two].map(({ origin }) => {
    client.origin = origin
    return client.refresh({ challenge })
  })
  const statuses = (await Promise.all(proofs)).map(({ status }) => status)
  expect(statuses.sort()).toEqual([200, 403, 403, 403])

  await stop(one.child)
  const three = await startProcess()
  client.origin = three.origin
  expect((await client.refresh()).status).toBe(200)
  expect((await browser.get(`${three.origin}/`)).body).toBe('{"isDeviceBound":true}')
  await browser.get(`${three.origin}/auth/logout`, { headers: { 'Sec-Fetch-Site': 'same-origin' } })
  client.origin = two.origin
  expect(JSON.parse((await client.refresh()).body)).toEqual({ continue: false })
})
