import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient } from 'redis'
import { main } from '../../src/command/main.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { oidcOf, secret, startGate, stopAll, stopping } from '../support/gate.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import { startTransmitter, type TestTransmitter } from '../support/transmitter.js'

const folder = mkdtempSync(join(tmpdir(), 'oauth-module-signals-command-'))
let vendor: VendorServer
let redis: RedisServer

beforeAll(async () => {
  ;[vendor, redis] = await Promise.all([startVendor('oidc'), startRedis()])
  stopping(vendor)
  stopping(redis)
}, 60_000)
afterAll(async () => {
  await stopAll()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the command, and returns its exit code and what it printed. */
async function run(config: object, ...args: string[]) {
  const file = join(folder, 'gate.json')
  writeFileSync(file, JSON.stringify(config))
  let printed = ''
  const stream = { write: (text: string) => (printed += text) }
  const terminal = { env: {}, stdin: Readable.from([]), stdout: stream, stderr: stream }
  const code = await main(['signals', ...args, '--config', file], terminal, '0')
  return { code, printed }
}

const configOf = (transmitter: TestTransmitter, baseUrl: string, more: object = {}) => {
  const { issuer, clientId, clientSecret } = vendor.options as Record<string, string>
  return {
    provider: { idp: { type: 'oidc', issuer, clientId, clientSecret } },
    secret,
    baseUrl,
    store: `redis://127.0.0.1:${redis.port}`,
    timeouts: { provider: 60, store: 30 },
    signals: {
      transmitters: {
        okta: {
          issuer: transmitter.issuer,
          audience: 'app',
          accessToken: transmitter.accessToken,
          ...more,
        },
      },
    },
  }
}

async function startRunningGate(transmitter: TestTransmitter) {
  const client = createClient({ url: `redis://127.0.0.1:${redis.port}` })
  client.on('error', () => undefined)
  await client.connect()
  stopping({ close: async () => client.destroy() })
  return startGate({
    provider: { idp: oidcOf(vendor) },
    secret,
    store: redisStore(client),
    timeouts: { provider: 60, store: 30 },
    signals: { transmitters: { okta: { issuer: transmitter.issuer, audience: 'app' } } },
  })
}

describe('oauth-module signals', () => {
  test('creates, verifies and shows the stream of a gate that runs elsewhere', async () => {
    const transmitter = stopping(await startTransmitter({ audience: 'app' }))
    const gate = await startRunningGate(transmitter)
    const config = configOf(transmitter, gate.origin)
    const created = await run(config, 'create', 'okta')
    expect(created).toEqual({ code: 0, printed: expect.stringContaining('stream     stream-1\n') })
    expect(created.printed).toMatch(/^audience {3}app$/m)
    expect(created.printed).toMatch(/^events .*session-revoked/m)
    expect(transmitter.stream?.['delivery']).toMatchObject({
      endpoint_url: `${gate.origin}/auth/signals`,
    })
    expect(await run(config, 'verify', 'okta')).toEqual({
      code: 0,
      printed: 'the verification event has arrived\n',
    })
    expect(gate.logged.join('\n')).toMatch(/a stream of signals is verified/)
    expect(await run(config, 'status', 'okta')).toEqual({ code: 0, printed: 'enabled\n' })
    transmitter.faults.set('/ssf/status', (res) => res.end('{"status":"paused"}'))
    expect(await run(config, 'status', 'okta')).toEqual({ code: 1, printed: 'paused\n' })
  }, 60_000)

  test('verifies a stream that is polled, without a gate that runs elsewhere', async () => {
    const transmitter = stopping(await startTransmitter({ audience: 'app' }))
    const { store: _, ...config } = configOf(transmitter, 'http://localhost', { delivery: 'poll' })
    expect((await run(config, 'create', 'okta')).code).toBe(0)
    expect(await run(config, 'verify', 'okta')).toMatchObject({
      code: 0,
      printed: expect.stringContaining('the verification event has arrived\n'),
    })
  }, 60_000)

  test('explains what is wrong in one sentence, without secrets', async () => {
    const transmitter = stopping(await startTransmitter({ audience: 'app' }))
    const config = configOf(transmitter, 'http://localhost')
    const { baseUrl: _url, ...withoutUrl } = config
    const { store: _store, ...withoutStore } = config
    const wrongToken = configOf(transmitter, 'http://localhost', {
      accessToken: 'another token, long enough',
    })
    const cases: [object, string[], RegExp][] = [
      [config, [], /signals takes an action \(create, verify, status\) and the name/],
      [config, ['create'], /signals takes an action/],
      [config, ['remove', 'okta'], /signals takes an action/],
      [config, ['create', 'other'], /has no transmitter with this name/],
      [withoutUrl, ['create', 'okta'], /--base-url is required/],
      [withoutStore, ['verify', 'okta'], /needs the store and the secret of the running gate/],
      [wrongToken, ['create', 'okta'], /responded with .*401/],
      [{ provider: config.provider, secret }, ['status', 'okta'], /no transmitters/],
    ]
    for (const [options, args, message] of cases) {
      const { code, printed } = await run(options, ...args)
      expect([code, printed]).toEqual([1, expect.stringMatching(message)])
      expect(printed).not.toMatch(/token-|another token|a secret for tests/)
    }
  }, 60_000)
})
