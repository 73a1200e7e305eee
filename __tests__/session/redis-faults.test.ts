import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { eventually } from '../support/programs.js'
import { startRedis, type RedisServer } from '../support/redis.js'
import { type ClientLibrary, libraries } from '../support/redis-clients.js'
import { startWire, type Wire } from '../support/wire.js'

let vendor: VendorServer
let server: RedisServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  // On disk, so that a server that was killed comes back with what it had.
  server = stopping(await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']))
})
afterAll(stopAll)

/** A gate over one client library, whose connection to Redis goes through a wire of its own. */
interface Scene {
  readonly name: string
  readonly prefix: string
  readonly wire: Wire
  readonly gate: Gate
  readonly browser: Browser
  readonly warned: string[]
  close(): Promise<void>
}

async function openScene({ name, single: connect }: ClientLibrary): Promise<Scene> {
  const prefix = `${name.replaceAll(' ', '-')}:`
  const wire = await startWire(server.port)
  const opened = await connect(wire.port)
  const warned: string[] = []
  const store = redisStore(opened.client, {
    prefix,
    onWarning: (message) => void warned.push(message),
  })
  const gate = await startGate({
    provider: { idp: oidcOf(vendor) },
    store,
    // Shorter ones fail on a busy machine: this process runs four gates.
    timeouts: { store: 1 },
  })
  const browser = createBrowser()
  expect((await browser.get(gate.url('/'))).status).toBe(200)
  const close = async () => {
    await opened.close()
    await wire.close()
  }
  return { name, prefix, wire, gate, browser, warned, close }
}

// Most of the time is spent waiting for timeouts, so all client libraries are tested at the same
// time.
describe(`Redis failures, over ${libraries.map(({ name }) => name).join(', ')}`, () => {
  let scenes: Scene[]

  beforeEach(async () => {
    await server.command('flushall')
    scenes = await Promise.all(libraries.map(openScene))
  })
  afterEach(async () => {
    await Promise.all(scenes.map((scene) => scene.close()))
  })

  /** Runs this for every library, and names the library that fails. */
  async function everywhere(run: (scene: Scene) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(scenes.map(run))
    results.forEach((result, index) => {
      if (result.status === 'rejected')
        throw new Error(`with ${scenes[index]?.name}`, { cause: result.reason })
    })
  }

  const statusOf = async (page: Promise<{ status: number }>) => (await page).status

  const rejected = async ({ browser, gate }: Scene) => {
    const before = vendor.requests.length
    // Outside of development, the page has no hint for the owner.
    const page = await browser.get(gate.url('/x'), { headers: { Via: '1.1 proxy' } })
    expect(page).toMatchObject({ status: 503, setCookie: [] })
    expect(page.headers['retry-after']).toBeDefined()
    expect(page.history).toHaveLength(1)
    expect(JSON.stringify([page.body, page.headers])).not.toMatch(/127\.0\.0\.1:|ECONN|redis/i)
    expect(vendor.requests).toHaveLength(before)
  }
  /** The first response that is not 503 is that of the app, never a login. */
  const recovered = async ({ browser, gate }: Scene) => {
    const status = await eventually('the gate can read the session again', async () => {
      const page = await browser.get(gate.url('/x'), { follow: false })
      return page.status === 503 ? undefined : page.status
    })
    expect(status).toBe(200)
  }

  const eachWire = (act: (wire: Wire) => unknown) => () => {
    for (const { wire } of scenes) act(wire)
  }
  const failures: Record<string, { begin(): unknown; end(): unknown }> = {
    killed: { begin: () => server.kill(), end: () => server.start() },
    'refusing connections': {
      begin: eachWire((wire) => wire.cut()),
      end: eachWire((wire) => wire.mend()),
    },
    frozen: { begin: () => server.freeze(), end: () => server.thaw() },
    // Ends by itself: a command to end it would be paused as well.
    paused: { begin: () => server.command('client', 'pause', '2000', 'ALL'), end: () => undefined },
    'behind a network that holds back packets': {
      begin: eachWire((wire) => wire.freeze()),
      end: eachWire((wire) => wire.thaw()),
    },
    'behind a network that loses packets': {
      begin: eachWire((wire) => wire.drop()),
      end: eachWire((wire) => (wire.cut(), wire.mend())),
    },
    slow: { begin: eachWire((wire) => wire.slow(1200)), end: eachWire((wire) => wire.slow(0)) },
    'answering garbage': {
      begin: eachWire((wire) =>
        wire.spoil((answer) => Buffer.from('*9\r\n?'.repeat(answer.length))),
      ),
      end: eachWire((wire) => (wire.spoil(undefined), wire.cut(), wire.mend())),
    },
  }
  test.each(Object.keys(failures))(
    'S-112 %s: 503, sessions stay, no login starts, and it recovers by itself',
    async (name) => {
      await failures[name]?.begin()
      await everywhere(rejected)
      await everywhere(rejected)
      await failures[name]?.end()
      await everywhere(recovered)
      expect(await server.command('keys', '*lock*')).toBe('')
    },
  )

  test('S-112 behind a network that holds back packets: a session that another process revokes meanwhile does not pass afterwards', async () => {
    eachWire((wire) => wire.freeze())()
    await everywhere(rejected)
    for (const key of (await server.command('keys', '*row:*')).split('\n'))
      await server.command('del', key)
    eachWire((wire) => wire.thaw())()
    await everywhere(async ({ browser, gate }) => {
      const status = await eventually('the gate can read the session again', async () => {
        const page = await browser.get(gate.url('/x'), { follow: false })
        return page.status === 503 ? undefined : page.status
      })
      expect(status).toBe(302)
    })
  })

  test('S-112 out of memory: sessions are read, logins and failed writes get 503', async () => {
    await server.command('config', 'set', 'maxmemory-policy', 'noeviction')
    await server.command('config', 'set', 'maxmemory', '1')
    await everywhere(async ({ browser, gate }) => {
      expect(await statusOf(browser.get(gate.url('/x')))).toBe(200)
      expect(await statusOf(createBrowser().get(gate.url('/')))).toBe(503)
    })
    await server.command('config', 'set', 'maxmemory', '0')
    await everywhere(async ({ gate }) => {
      expect(await statusOf(createBrowser().get(gate.url('/')))).toBe(200)
    })
  })

  test('S-112 read-only: sessions are read, a logout that cannot be written gets 503 and keeps the session', async () => {
    await server.command('replicaof', '127.0.0.1', '1')
    try {
      await everywhere(async ({ browser, gate }) => {
        expect(await statusOf(browser.get(gate.url('/x')))).toBe(200)
        const headers = { 'Sec-Fetch-Site': 'same-origin' }
        expect(await statusOf(browser.get(gate.url('/auth/logout'), { headers }))).toBe(503)
        expect(await statusOf(createBrowser().get(gate.url('/')))).toBe(503)
      })
    } finally {
      await server.command('replicaof', 'no', 'one')
    }
    await everywhere(recovered)
    await everywhere(async ({ gate }) => {
      expect(await statusOf(createBrowser().get(gate.url('/')))).toBe(200)
    })
  })

  const spoiled: [name: string, spoil: (key: string) => unknown][] = [
    [
      'of another type',
      async (key) => {
        await server.command('del', key)
        await server.command('rpush', key, 'x')
      },
    ],
    [
      'truncated',
      async (key) =>
        server.command('set', key, (await server.command('get', key)).slice(0, 300), 'keepttl'),
    ],
    [
      'of a newer release',
      async (key) =>
        server.command(
          'set',
          key,
          (await server.command('get', key)).replace('"v":1', '"v":2'),
          'keepttl',
        ),
    ],
    ['empty', (key) => server.command('set', key, '', 'keepttl')],
  ]
  test.each(spoiled)(
    'S-112 a row that is %s is ignored: the user logs in again, with one warning, and the row stays',
    async (_, spoil) => {
      await everywhere(async ({ browser, gate, prefix, warned }) => {
        const key = `${prefix}row:${(await gate.middleware.sessions.list()).items[0]?.id}`
        await spoil(key)
        for (let visit = 0; visit < 2; visit++)
          expect(await statusOf(browser.get(gate.url('/x'), { follow: false }))).toBe(302)
        expect(warned).toHaveLength(1)
        expect(warned[0]).toMatch(/^a row in Redis (?:cannot be read|is of another type)/)
        expect(await server.command('exists', key)).toBe('1')
        expect(await statusOf(browser.get(gate.url('/x')))).toBe(200)
      })
    },
  )

  test('S-112 with half of the keys lost, only the users of those keys log in again', async () => {
    await everywhere(async ({ browser, gate, prefix }) => {
      const others = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const other = createBrowser()
          await other.get(gate.url('/'))
          return other
        }),
      )
      const rows = (await gate.middleware.sessions.list()).items.map(({ id }) => id)
      expect(rows).toHaveLength(6)
      const lost = new Set(rows.slice(0, 3))
      for (const key of (await server.command('keys', `${prefix}*`)).split('\n')) {
        const isKept =
          key.startsWith(`${prefix}row:`) && !lost.has(key.slice(`${prefix}row:`.length))
        if (!isKept) await server.command('del', key)
      }
      const statuses = await Promise.all(
        [browser, ...others].map((one) => statusOf(one.get(gate.url('/x'), { follow: false }))),
      )
      expect(statuses.sort()).toEqual([200, 200, 200, 302, 302, 302])
      for (const one of [browser, ...others])
        expect(await statusOf(one.get(gate.url('/x')))).toBe(200)
    })
  })
})

describe('S-112 a client that waits for a connection forever', () => {
  test.each(libraries)(
    '$name: the number of waiting commands is limited, and others are rejected immediately',
    async ({ single: connect }) => {
      const wire = await startWire(server.port)
      // The commands wait until the test releases them, which takes its time on a busy machine.
      const { client, close } = await connect(wire.port, 60_000)
      const store = redisStore(client, { prefix: 'bound:' })
      await store.set('k', { kind: 'session', group: 'g', createdAt: 1, revision: 1 }, 60_000)
      for (const strand of wire.strands) strand.hold()
      const first = Array.from({ length: 10_000 }, async () => store.get('k'))
      const settled = Promise.allSettled(first)
      await expect(store.get('k')).rejects.toThrow('10000 commands wait for Redis already')
      for (const strand of wire.strands) strand.release()
      for (const result of await settled) expect(result.status).toBe('fulfilled')
      expect(await store.get('k')).toBeDefined()
      await close()
      await wire.close()
    },
  )
})
