import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { startVendor } from '../../src/dev/vendors/index.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { startRedis } from '../support/redis.js'
import type { SignalProcessSetup } from '../support/signal-process.js'
import { CAEP, RISC, startTransmitter } from '../support/transmitter.js'

afterAll(stopAll)

const AUDIENCE = 'app'

interface GateProcess {
  child: ChildProcess
  url(path: string): string
}

async function startProcess(setup: SignalProcessSetup): Promise<GateProcess> {
  const child = fork(join(process.cwd(), '__tests__/support/signal-process.ts'), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  stopping({
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  })
  child.send(setup)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { child, url: (path) => `http://localhost:${port}${path}` }
}

test('with Redis, a signal at one of four processes closes the streams of the others, and their next request is checked', async () => {
  const redis = stopping(await startRedis())
  const vendor = stopping(await startVendor('oidc'))
  const transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  const { issuer, clientId, clientSecret } = vendor.options as SignalProcessSetup['provider']
  const setup = {
    ...{ redisPort: redis.port, secret, provider: { issuer, clientId, clientSecret } },
    transmitter: { issuer: transmitter.issuer, audience: AUDIENCE },
  }
  const [first, ...others] = await Promise.all(Array.from({ length: 4 }, () => startProcess(setup)))
  if (first === undefined) throw new Error('no process')
  const user = { format: 'iss_sub', iss: vendor.origin, sub: String(vendor.user.id) }
  const send = (event: string) =>
    transmitter.push(first.url('/auth/signals'), transmitter.token(transmitter.claims(event, user)))

  const browser = createBrowser()
  expect((await browser.get(first.url('/'))).status).toBe(200)
  vendor.requests.length = 0
  for (const { url } of others)
    expect((await browser.get(url('/'), { follow: false })).status).toBe(200)
  expect(vendor.requests).toEqual([])

  // A change: one check, at whichever process sees the next request.
  expect((await send(`${CAEP}credential-change`)).status).toBe(202)
  for (const { url } of others)
    expect((await browser.get(url('/'), { follow: false })).status).toBe(200)
  expect(vendor.requests.filter(({ endpoint }) => endpoint === 'userinfo')).toHaveLength(1)

  // A revocation: the streams of all processes end.
  const cookie = browser
    .cookies(first.url('/'))
    .map((one) => one.cookieString())
    .join('; ')
  const streams = await Promise.all(
    others.map(async ({ url }) => {
      const response = await fetch(url('/stream'), {
        headers: { cookie, 'Sec-Fetch-Mode': 'cors' },
      })
      const reader = response.body?.getReader()
      await reader?.read()
      return reader
    }),
  )
  const closed = others.map(({ child }) => once(child, 'message'))
  const sentAt = performance.timeOrigin + performance.now()
  expect((await send(`${RISC}sessions-revoked`)).status).toBe(202)
  const times = (await Promise.all(closed)) as [{ closedAt: number }][]
  for (const reader of streams) {
    const { value } = (await reader?.read()) ?? {}
    expect(Buffer.from(value ?? []).toString()).toBe('closed\n')
  }
  const latencies = times.map(([{ closedAt }]) => Math.round(closedAt - sentAt))
  if (process.env['SHOW_LATENCY'] === '1') console.log(`closed after ${latencies.join(', ')} ms`)
  for (const { url } of others)
    expect((await browser.get(url('/'), { follow: false })).status).toBe(302)
}, 240_000)
