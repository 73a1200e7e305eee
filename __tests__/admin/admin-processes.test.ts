import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Ngrok } from '@ngrok/ngrok-api'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { deploy } from '../support/admin.js'
import type { AdminProcessSetup } from '../support/admin-process.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import { createBrowser, linksOf } from '../support/jar.js'
import { eventually } from '../support/programs.js'
import { program } from '../support/recheck.js'
import { type RedisServer, startRedis } from '../support/redis.js'

afterAll(stopAll)

const ROUTE = { edgeId: 'main', id: 'app' }

let vendor: VendorServer
let redis: RedisServer

beforeAll(async () => {
  vendor = stopping(await startVendor('github'))
  redis = stopping(await startRedis())
}, 60_000)

interface AdminProcess {
  readonly origin: string
  /** ngrok's client, at this process. */
  readonly modules: Ngrok['edgeModules']['edgeRouteOAuthModule']
  kill(): Promise<void>
}

async function startProcess(): Promise<AdminProcess> {
  const child: ChildProcess = fork(join(process.cwd(), '__tests__/support/admin-process.ts'), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const setup = { redisPort: redis.port, token: deploy, secret, github: vendor.options }
  child.send(setup satisfies AdminProcessSetup)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  stopping({ close: kill })
  const ngrok = new Ngrok({ apiToken: deploy, baseUrl: `http://127.0.0.1:${port}` })
  return {
    origin: `http://localhost:${port}`,
    modules: ngrok.edgeModules.edgeRouteOAuthModule,
    kill,
  }
}

function until(what: string, isSo: () => Promise<boolean>): Promise<true> {
  return eventually(what, async () => ((await isSo()) ? true : undefined))
}

async function patch({ origin }: AdminProcess, body: object): Promise<number> {
  const response = await fetch(`${origin}/api/v2/connections/main.app.acme`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${deploy}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return response.status
}

test('processes share the configuration, and a user whom one of them removes is out in all', async () => {
  const [first, second] = await Promise.all([startProcess(), startProcess()])
  const browser = createBrowser()
  const page = await browser.get(first.origin)
  const link = linksOf(page).find((href) => href.includes('connection=github'))
  expect((await browser.get(String(link))).body).toBe('the app')
  const visit = async ({ origin }: AdminProcess) =>
    (await browser.get(origin, { headers: program })).status
  expect([await visit(first), await visit(second)]).toEqual([200, 200])

  const module = await first.modules.get(ROUTE)
  const github = { ...module.provider.github, emailDomains: ['elsewhere.example'] }
  await first.modules.replace({ ...ROUTE, module: { ...module, provider: { github } } })
  expect(await visit(first)).toBe(403)
  await until('the second process follows', async () => (await visit(second)) === 403)
  expect((await second.modules.get(ROUTE)).provider.github).toMatchObject({
    emailDomains: ['elsewhere.example'],
  })

  // One changes the module, the other one the connection: neither change is lost.
  const changes = Array.from({ length: 5 }, (_, index) =>
    Promise.all([
      first.modules.replace({ ...ROUTE, module: { ...module, maximumDuration: 60 + index } }),
      patch(second, { display_name: `Acme ${index}` }),
    ]),
  )
  for (const [, status] of await Promise.all(changes)) expect(status).toBe(200)
  const last = (await first.modules.get(ROUTE)).maximumDuration
  await until(
    'the last change is in effect',
    async () => (await second.modules.get(ROUTE)).maximumDuration === last,
  )
  const html = await (await fetch(`${second.origin}/auth/authn`)).text()
  expect(html).toMatch(/Acme [0-4]/)
}, 120_000)

test('a process that is killed during its changes leaves one of them as a whole', async () => {
  const [first, second] = await Promise.all([startProcess(), startProcess()])
  const module = await first.modules.get(ROUTE)
  const replace = (seconds: number) =>
    first.modules.replace({
      ...ROUTE,
      module: { ...module, maximumDuration: seconds, inactivityTimeout: seconds },
    })
  await replace(1000)
  const changes = Array.from({ length: 40 }, (_, index) =>
    replace(1001 + index).catch(() => undefined),
  )
  await Promise.race(changes)
  await first.kill()
  await Promise.all(changes)
  const third = await startProcess()
  for (const one of [second, third]) {
    const { maximumDuration, inactivityTimeout } = await one.modules.get(ROUTE)
    expect(maximumDuration).toBeGreaterThanOrEqual(1000)
    expect(inactivityTimeout).toBe(maximumDuration)
  }
  await second.modules.replace({ ...ROUTE, module: { ...module, maximumDuration: 5000 } })
  await until(
    'the third process follows',
    async () => (await third.modules.get(ROUTE)).maximumDuration === 5000,
  )
}, 120_000)
