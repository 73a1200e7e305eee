import { afterEach, describe, expect, test } from '@jest/globals'
import type { Express } from 'express'
import {
  cookieStore,
  memoryStore,
  oauth2Provider,
  type OAuthModuleOptions,
  oauthModule,
  type SessionStore,
  type StoreRecord,
} from '../../src/index.js'
import type { StoredChange } from '../../src/middleware/admin-access.js'
import {
  allowed,
  by,
  clientOf,
  configurationOf,
  followingGate,
  githubModule,
  removed,
} from '../support/configuration.js'
import { fakeDate, realDate } from '../support/clock.js'
import { recorder, secret, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { eventually } from '../support/programs.js'
import { logIn, providerOf, startVendor } from '../support/providers.js'
import { codeOf, program } from '../support/recheck.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const github = { github: { clientId: 'id', clientSecret: 'client-secret' } }

/** A store whose methods are asynchronous, and can be replaced. */
function asynchronous(inner: SessionStore = memoryStore()): SessionStore & { fails: boolean } {
  const store = {
    fails: false,
    get: async (key: string) => (check(), inner.get(key)),
    set: async (key: string, record: StoreRecord, ttl: number) => (
      check(),
      inner.set(key, record, ttl)
    ),
    update: async (key: string, record: StoreRecord, ttl: number) => (
      check(),
      inner.update(key, record, ttl)
    ),
    delete: async (key: string) => (check(), inner.delete(key)),
    lock: async (key: string, ttl: number) => (check(), inner.lock?.(key, ttl)),
    entries: async (query: Parameters<NonNullable<SessionStore['entries']>>[0]) =>
      inner.entries?.(query) ?? { entries: [], next: undefined },
  }
  const check = () => {
    if (store.fails) throw new Error('the store is down')
  }
  return store
}

describe('the option configVersion', () => {
  test('is checked at construction: a store of cookies, a missing secret, a wrong number', () => {
    const construct = (options: Partial<OAuthModuleOptions>) => () =>
      oauthModule({ provider: github, logger: silent, configVersion: 1, ...options })
    expect(construct({ secret, store: cookieStore() })).toThrow(
      /oauthModule\.configVersion needs a store that keeps records.*redisStore/,
    )
    expect(construct({ store: asynchronous() })).toThrow(
      /oauthModule\.configVersion needs the option secret/,
    )
    expect(construct({ secret, configVersion: 0 })).toThrow(/configVersion must be an integer/)
    expect(construct({ secret, configVersion: 1.5 })).toThrow(/configVersion must be an integer/)
  })

  test('cannot change while the process runs', async () => {
    const vendor = await startVendor('github')
    const { middleware } = await followingGate(vendor)
    const options = { provider: providerOf(vendor), secret, logger: silent, id: 'shared' }
    expect(() => middleware.reconfigure({ ...options, configVersion: 2 })).toThrow(
      /reconfigure\(\)\.configVersion cannot change/,
    )
    expect(() => middleware.reconfigure(options)).not.toThrow()
  })

  test('without it, a change is rejected, and the store is never asked for a configuration', async () => {
    const asked: string[] = []
    const inner = memoryStore()
    const store: SessionStore = { ...inner, get: (key) => (asked.push(key), inner.get(key)) }
    const gate = await startGate({ provider: github, store, id: 'shared' })
    const configuration = configurationOf(gate.middleware)
    expect(configuration.configVersion).toBeUndefined()
    expect(await configuration.current()).toMatchObject({ version: 0 })
    await expect(configuration.change(() => undefined, by)).rejects.toMatchObject({
      code: 'not_followed',
    })
    expect(asked.filter((key) => key.startsWith('config'))).toEqual([])
  })
})

test('two gates without an id that share a configuration are named', async () => {
  const vendor = await startVendor('github')
  const store = memoryStore()
  const first = await followingGate(vendor, { store, id: undefined })
  const second = await followingGate(vendor, { store, id: undefined })
  const third = await followingGate(vendor, { store, id: undefined, cookiePrefix: 'other.' })
  const isWarned = [first, second, third].map(({ logged }) =>
    logged.join().includes('two gates without the option id follow the same stored configuration'),
  )
  expect(isWarned).toEqual([false, true, false])
  const withId = [await followingGate(vendor, { store }), await followingGate(vendor, { store })]
  for (const { logged } of withId) expect(logged.join()).not.toContain('two gates')
})

describe('a change', () => {
  test('is in effect for the next request, and a removed person is out, also at an open stream', async () => {
    const vendor = await startVendor('github')
    let opened: () => void = () => undefined
    const isOpen = new Promise<void>((resolve) => (opened = resolve))
    const routes = (app: Express) => {
      app.get('/stream', (req, res) => {
        res.write('open, ')
        req.oauth.signal.addEventListener('abort', () => res.end('closed'))
        opened()
      })
    }
    const gate = await followingGate(vendor, {}, allowed, { routes })
    const browser = createBrowser()
    expect((await logIn({ gate, browser })).status).toBe(200)
    const stream = browser.get(gate.url('/stream'))
    await isOpen
    const version = await gate.configuration.change(
      () => ({ module: githubModule(vendor, removed) }),
      by,
    )
    expect(version).toMatchObject({ version: 1, changedBy: 'a test', configVersion: 1 })
    const page = await browser.get(gate.url('/api'), { headers: program, follow: false })
    expect([page.status, codeOf(page)]).toEqual([403, 'not_authorized'])
    expect((await stream).body).toBe('open, closed')
  })

  test('replaces what the JSON of an edge can express, and keeps everything else of the code', async () => {
    const vendor = await startVendor('github')
    const gate = await followingGate(
      vendor,
      { authCheckInterval: 60, authorize: () => true },
      { ...allowed, displayName: 'Our GitHub', teams: ['acme/engineering'] },
    )
    const module = githubModule(
      vendor,
      { emailAddresses: ['octavia@acme.example'] },
      { maximumDuration: 7200 },
    )
    await gate.configuration.change(() => ({ module }), by)
    const { options, codeOptions } = gate.configuration
    expect(options).toMatchObject({ authCheckInterval: 0, maximumDuration: 7200 })
    expect(options['authorize']).toBe(codeOptions['authorize'])
    const { github: changed } = options['provider'] as { github: Record<string, unknown> }
    expect(changed).toMatchObject({
      displayName: 'Our GitHub',
      emailAddresses: ['octavia@acme.example'],
      endpoints: (vendor.options as { endpoints: object }).endpoints,
    })
    expect(changed).not.toHaveProperty('emailDomains')
    expect(changed).not.toHaveProperty('teams')
    expect(codeOptions).toMatchObject({ authCheckInterval: 60 })
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('is rejected as a whole if one part of it is invalid, with all mistakes and no secret', async () => {
    const vendor = await startVendor('github')
    const gate = await followingGate(vendor, {}, allowed)
    const module = githubModule(
      vendor,
      { emailDomains: ['not a domain'], clientSecret: 'a-very-secret-value', clientId: '' },
      { inactivityTimeout: -1, authCheckInterval: 120 },
    )
    const rejected = await gate.configuration
      .change(() => ({ module }), by)
      .catch((error: unknown) => error)
    expect(rejected).toBeInstanceOf(TypeError)
    expect(String(rejected)).toMatch(
      /emailDomains[\s\S]*inactivityTimeout|inactivityTimeout[\s\S]*emailDomains/,
    )
    expect(String(rejected)).toContain('clientId')
    expect(String(rejected)).not.toContain('a-very-secret-value')
    expect(await gate.configuration.current()).toMatchObject({ version: 0 })
    expect(gate.configuration.options).not.toHaveProperty('authCheckInterval')
    expect((await logIn({ gate })).status).toBe(200)
  })

  test.each<[string, (vendor: Parameters<typeof clientOf>[0]) => unknown, RegExp]>([
    [
      'an option that it cannot have',
      (vendor) => ({ module: { ...githubModule(vendor), secret: 'x' } }),
      /module\.secret cannot be changed/,
    ],
    [
      'an option of a provider',
      (vendor) => ({
        module: githubModule(vendor, { endpoints: { token: 'https://evil.example' } } as never),
      }),
      /github\.endpoints cannot be changed/,
    ],
    [
      'a provider that is not built in',
      (vendor) => ({ module: { ...githubModule(vendor), provider: { acme: {} } } }),
      /provider\.acme is not the name/,
    ],
    [
      'more than a store should keep',
      (vendor) => ({
        module: githubModule(vendor, { emailAddresses: ['x'.repeat(300_000)] }),
      }),
      /must have at most 262144 characters/,
    ],
    ['a missing member', () => ({ module: { provider: {} } }), /module\.enabled is missing/],
    [
      'a wrong type',
      (vendor) => ({ module: { ...githubModule(vendor), enabled: 'yes' } }),
      /module\.enabled has the wrong type/,
    ],
    [
      'a connection that the code does not have',
      () => ({
        connections: {
          acme: { authorizationUrl: 'https://a.example', tokenUrl: 'https://a.example' },
        },
      }),
      /acme is not an oauth2Provider/,
    ],
    [
      'no provider at all',
      (vendor) => ({ module: { ...githubModule(vendor), provider: {} } }),
      /names no provider/,
    ],
  ])('cannot contain %s', async (_, changeOf, message) => {
    const vendor = await startVendor('github')
    const gate = await followingGate(vendor)
    const change = changeOf(vendor) as StoredChange
    await expect(gate.configuration.change(() => change, by)).rejects.toThrow(message)
    expect(await gate.configuration.current()).toMatchObject({ version: 0 })
  })

  test('a provider that a function of the code creates stays, and cannot be replaced', async () => {
    const vendor = await startVendor('github')
    const other = await startVendor('oauth2')
    const { acme } = providerOf(other, {}, 'acme') as { acme: never }
    const gate = await followingGate(vendor, {
      provider: { ...(providerOf(vendor) as object), acme },
    })
    await gate.configuration.change(() => ({ module: githubModule(vendor, allowed) }), by)
    expect(Object.keys(gate.configuration.options['provider'] as object)).toEqual([
      'github',
      'acme',
    ])
    expect((gate.configuration.options['provider'] as { acme: unknown }).acme).toBe(acme)
  })

  test('returning undefined goes back to the code, and an equal change makes no new version', async () => {
    const vendor = await startVendor('github')
    const gate = await followingGate(vendor, {}, allowed)
    const { configuration } = gate
    const change = { module: githubModule(vendor, removed) }
    await configuration.change(() => change, by)
    expect(await configuration.change((current) => current, by)).toMatchObject({ version: 1 })
    expect((await logIn({ gate })).status).toBe(403)
    expect(await configuration.change(() => undefined, by)).toMatchObject({
      version: 2,
      change: undefined,
    })
    expect((await logIn({ gate })).status).toBe(200)
    const history = []
    for await (const version of configuration.history(10)) history.push(version)
    expect(history).toMatchObject([{ version: 1, change }])
  })

  test('with a stale version, it is rejected and changes nothing', async () => {
    const vendor = await startVendor('github')
    const { configuration } = await followingGate(vendor)
    const module = githubModule(vendor, allowed)
    await configuration.change(() => ({ module }), { ...by, ifVersion: 0 })
    await expect(
      configuration.change(() => undefined, { ...by, ifVersion: 0 }),
    ).rejects.toMatchObject({ code: 'stale_version' })
    expect(await configuration.current()).toMatchObject({ version: 1, change: { module } })
    await configuration.change(() => undefined, { ...by, ifVersion: 1 })
  })

  test('of two writers at once, neither loses the other part of the configuration', async () => {
    const vendor = await startVendor('github')
    const oauth2 = await startVendor('oauth2')
    const { acme } = providerOf(oauth2, {}, 'acme') as { acme: never }
    const store = asynchronous()
    const options = { store, provider: { ...(providerOf(vendor) as object), acme } }
    const gates = [await followingGate(vendor, options), await followingGate(vendor, options)]
    const urls = { authorizationUrl: 'https://auth.example/a', tokenUrl: 'https://auth.example/t' }
    const module = githubModule(vendor, allowed)
    await Promise.all([
      gates[0]?.configuration.change((current) => ({ ...current, module }), by),
      gates[1]?.configuration.change(
        (current) => ({ ...current, connections: { acme: { ...urls, ...clientOf(oauth2) } } }),
        by,
      ),
    ])
    const current = await gates[0]?.configuration.current()
    expect(current).toMatchObject({ version: 2, change: { module, connections: { acme: urls } } })
  })

  test('with a memory store, it is volatile', async () => {
    const vendor = await startVendor('github')
    expect((await followingGate(vendor)).configuration.isVolatile).toBe(true)
    const { configuration } = await followingGate(vendor, { store: asynchronous() })
    expect(configuration.isVolatile).toBe(false)
  })

  test('keeps client secrets, addresses, and everything else encrypted in the store', async () => {
    const vendor = await startVendor('github')
    const inner = memoryStore()
    const written: string[] = []
    const store: SessionStore = {
      ...inner,
      set: (key, record, ttl) => (
        written.push(JSON.stringify(record)),
        inner.set(key, record, ttl)
      ),
      update: (key, record, ttl) => (
        written.push(JSON.stringify(record)),
        inner.update(key, record, ttl)
      ),
    }
    const { configuration } = await followingGate(vendor, { store })
    await configuration.change(() => ({ module: githubModule(vendor, allowed) }), by)
    await configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    expect(written.length).toBeGreaterThanOrEqual(3)
    for (const row of written)
      for (const text of [clientOf(vendor).clientSecret, 'acme.example', 'elsewhere', 'a test'])
        expect(row).not.toContain(text)
  })
})

describe('before the first read', () => {
  test('no request passes, not even to a special path: it waits, and gets 503 if the store is down', async () => {
    const vendor = await startVendor('github')
    const store = asynchronous()
    store.fails = true
    const before = (app: Express) => {
      app.get('/upgrade', (req, res) => {
        gate.middleware.authenticate(req).then(
          (oauth) => res.json(oauth === undefined ? null : 'passed'),
          (error: unknown) => res.json((error as { status: number }).status),
        )
      })
    }
    const gate = await followingGate(vendor, { store }, {}, { before })
    for (const path of ['/', '/auth/session', '/auth/authn', '/auth/logout']) {
      const page = await createBrowser().get(gate.url(path), { headers: program, follow: false })
      expect([path, page.status, codeOf(page), page.headers['retry-after']]).toEqual([
        path,
        503,
        'store_unavailable',
        '5',
      ])
    }
    await expect(gate.middleware.ready()).rejects.toThrow(/stored configuration has not been read/)
    expect((await createBrowser().get(gate.url('/upgrade'))).body).toBe('503')
    expect(gate.reached).toEqual([])
    await eventually('the outage is logged', () =>
      gate.logged.some((line) => line.includes('requests are rejected with 503'))
        ? true
        : undefined,
    )
    store.fails = false
    await eventually('the gate opens', async () =>
      (await logIn({ gate })).status === 200 ? true : undefined,
    )
  })

  test('a request waits for the read in progress instead of failing', async () => {
    const vendor = await startVendor('github')
    const inner = memoryStore()
    let proceed: () => void = () => undefined
    const gateOpens = new Promise<void>((resolve) => (proceed = resolve))
    const store = {
      ...inner,
      get: async (key: string) => (key.startsWith('config') && (await gateOpens), inner.get(key)),
    }
    const gate = await followingGate(vendor, { store, timeouts: { store: 30 } })
    let isDone = false
    const waiting = logIn({ gate }).then((attempt) => ((isDone = true), attempt))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(isDone).toBe(false)
    proceed()
    expect((await waiting).status).toBe(200)
  })

  test('a gate that the code disables passes nothing either, and a stored change can enable it', async () => {
    const vendor = await startVendor('github')
    const store = asynchronous()
    const first = await followingGate(vendor, { store })
    await first.configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    store.fails = true
    const gate = await followingGate(vendor, { store, enabled: false })
    expect((await createBrowser().get(gate.url('/'), { headers: program })).status).toBe(503)
    store.fails = false
    await eventually('the gate is read', async () => {
      const { status } = await createBrowser().get(gate.url('/'), { headers: program })
      return status === 401 ? true : undefined
    })
    expect(gate.reached).toEqual([])
  })

  test('requests never read it: only a timer does, and the store if it reports a change', async () => {
    const vendor = await startVendor('github')
    const inner = memoryStore()
    const reads: number[] = []
    const store: SessionStore = {
      ...inner,
      get(key) {
        if (key.startsWith('config')) reads.push(performance.now())
        return inner.get(key)
      },
    }
    const gate = await followingGate(vendor, { store })
    const browser = createBrowser()
    await logIn({ gate, browser })
    const [begin, before] = [performance.now(), reads.length]
    for (let request = 0; request < 200; request++)
      expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(200)
    // At least 2.45 s apart.
    const most = Math.ceil((performance.now() - begin) / 2_400)
    expect(reads.length - before).toBeLessThanOrEqual(most)
  })

  test('a process that was suspended reads it before the next request passes, and keeps what it has if it cannot', async () => {
    const vendor = await startVendor('github')
    const clock = fakeDate()
    const store = asynchronous()
    const first = await followingGate(vendor, { store }, allowed)
    const second = await followingGate(vendor, { store }, allowed)
    const browser = createBrowser()
    expect((await logIn({ gate: second, browser })).status).toBe(200)
    const visit = async () =>
      (await browser.get(second.url('/api'), { headers: program, follow: false })).status
    await first.configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    // The timers of a suspended process do not run.
    clock.forward(60)
    expect(await visit()).toBe(403)
    store.fails = true
    clock.forward(60)
    expect((await createBrowser().get(second.url('/auth/none'), { headers: program })).status).toBe(
      404,
    )
  })

  test('the log states which configuration is in effect, and what differs from the code by name', async () => {
    const vendor = await startVendor('github')
    const store = asynchronous()
    const first = await followingGate(vendor, { store }, allowed)
    expect(first.logged.join('\n')).toContain('the configuration of the code is in effect')
    const module = githubModule(vendor, removed, { authCheckInterval: 300 })
    await first.configuration.change(() => ({ module }), by)
    const second = await followingGate(vendor, { store }, allowed)
    await second.configuration.current()
    const log = second.logged.join('\n')
    expect(log).toContain(
      'version 1 of the stored configuration is in effect: it differs from the code in provider.github.emailDomains, authCheckInterval',
    )
    expect(log).not.toContain('elsewhere.example')
    expect(log).not.toContain(clientOf(vendor).clientSecret)
  })
})

describe('a store that a process cannot read', () => {
  test('keeps the configuration that is in effect, reports it, and follows again afterwards', async () => {
    const vendor = await startVendor('github')
    const store = asynchronous()
    const [gate, other] = [
      await followingGate(vendor, { store }, allowed),
      await followingGate(vendor, { store }, allowed),
    ]
    await gate.configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    expect((await logIn({ gate })).status).toBe(403)
    store.fails = true
    await eventually(
      'the outage is reported',
      () =>
        gate.logged.some((line) =>
          line.includes('cannot be read: the configuration that is in effect stays'),
        ) || undefined,
    )
    await expect(gate.configuration.change(() => undefined, by)).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    store.fails = false
    expect((await logIn({ gate })).status).toBe(403)
    await other.configuration.change(() => undefined, by)
    await eventually('the change arrives', async () =>
      (await logIn({ gate })).status === 200 ? true : undefined,
    )
  })

  const broken: [string, (row: StoreRecord) => StoreRecord][] = [
    ['garbage', (row) => ({ ...row, sealed: 'garbage' }) as StoreRecord],
    [
      'a truncated document',
      (row) => ({ ...row, sealed: sealedOf(row).slice(0, 60) }) as StoreRecord,
    ],
    ['a flipped character', (row) => ({ ...row, sealed: flip(sealedOf(row)) }) as StoreRecord],
    ['a record of another kind', (row) => ({ ...row, kind: 'session' })],
    ['a record of a later format', (row) => ({ ...row, v: 2 }) as StoreRecord],
    ['a revision that cannot be counted', (row) => ({ ...row, revision: Number.MAX_SAFE_INTEGER })],
    ['no object', () => 'text' as unknown as StoreRecord],
  ]
  const sealedOf = (row: StoreRecord) => (row as StoreRecord & { sealed: string }).sealed
  const flip = (text: string) => text.slice(0, 40) + (text[40] === 'A' ? 'B' : 'A') + text.slice(41)

  test.each(broken)(
    '%s keeps what is in effect; a process that starts passes nothing',
    async (_, damage) => {
      const vendor = await startVendor('github')
      // Without notifications, so that nothing is restored in between.
      const store: SessionStore = { ...memoryStore(), watch: () => () => undefined }
      const gate = await followingGate(vendor, { store }, allowed)
      const { configuration } = gate
      await configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
      const row = (await store.get(configuration.key)) as StoreRecord
      await store.delete(configuration.key)
      await store.set(configuration.key, damage(row), 60_000)
      await expect(configuration.current()).rejects.toMatchObject({ code: 'unreadable' })
      expect((await logIn({ gate })).status).toBe(403)
      await expect(configuration.change(() => undefined, by)).rejects.toMatchObject({
        code: 'unreadable',
      })
      const fresh = await followingGate(vendor, { store }, allowed)
      expect((await createBrowser().get(fresh.url('/'), { headers: program })).status).toBe(503)
      expect(fresh.logged.join('\n')).toContain('was not written with the secret of this gate')
      // The way out that the log names.
      await store.delete(configuration.key)
      await eventually('the record is restored', async () =>
        (await logIn({ gate: fresh })).status === 403 ? true : undefined,
      )
    },
  )

  test('a document of another secret, or of another gate with the same secret, counts for nothing', async () => {
    const vendor = await startVendor('github')
    const store = memoryStore()
    const gate = await followingGate(vendor, { store }, allowed)
    await gate.configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    const other = await followingGate(vendor, { store, id: 'other' }, allowed)
    expect(other.configuration.key).not.toBe(gate.configuration.key)
    const row = (await store.get(gate.configuration.key)) as StoreRecord
    await store.set(other.configuration.key, row, 60_000)
    await expect(other.configuration.current()).rejects.toMatchObject({ code: 'unreadable' })
    const stranger = await followingGate(
      vendor,
      { store, secret: 'another secret that is longer than 32 characters' },
      allowed,
    )
    expect((await createBrowser().get(stranger.url('/'), { headers: program })).status).toBe(503)
  })

  test('a replayed older version does not bring back a person who was removed: the newer one is written again', async () => {
    const vendor = await startVendor('github')
    const store = asynchronous()
    const gate = await followingGate(vendor, { store }, allowed)
    const { configuration } = gate
    await configuration.change(() => ({ module: githubModule(vendor, allowed) }), by)
    const old = (await store.get(configuration.key)) as StoreRecord
    await configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    await store.set(configuration.key, { ...old, revision: 99 }, 60_000)
    expect(await configuration.current()).toMatchObject({ version: 2 })
    expect((await logIn({ gate })).status).toBe(403)
    const fresh = await followingGate(vendor, { store }, allowed)
    expect((await logIn({ gate: fresh })).status).toBe(403)
    expect(gate.logged.join('\n')).toContain('the store had an older version of configuration')
  })

  test('of two documents of the same version, the later one is in effect in all processes', async () => {
    const vendor = await startVendor('github')
    const [store, lost] = [asynchronous(), asynchronous()]
    // The master of a database fails before its replica has the last write.
    const gate = await followingGate(vendor, { store: lost }, allowed)
    await gate.configuration.change(() => ({ module: githubModule(vendor, allowed) }), by)
    const other = await followingGate(vendor, { store }, allowed)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await other.configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    const { key } = other.configuration
    const later = (await store.get(key)) as StoreRecord
    await store.set(key, (await lost.get(key)) as StoreRecord, 60_000)
    expect(await other.configuration.current()).toMatchObject({ version: 1 })
    expect((await logIn({ gate: other })).status).toBe(403)
    await lost.set(key, later, 60_000)
    await gate.configuration.current()
    expect((await logIn({ gate })).status).toBe(403)
    // Nothing is lost silently.
    const history = []
    for await (const version of other.configuration.history(5)) history.push(version)
    expect(history).toMatchObject([
      { version: 1, change: { module: githubModule(vendor, allowed) } },
    ])
    expect(other.logged.join()).toContain('the store had an older version of configuration')
  })

  test('a store that lost the record gets it back', async () => {
    const vendor = await startVendor('github')
    const store = asynchronous()
    const gate = await followingGate(vendor, { store }, allowed)
    const { configuration } = gate
    await configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    await store.delete(configuration.key)
    await eventually('the record is written again', async () => store.get(configuration.key))
    expect((await logIn({ gate })).status).toBe(403)
    await store.delete(configuration.key)
    // Also if a change comes before the next read.
    expect(
      await configuration.change(
        (current) => ({ ...current, module: githubModule(vendor, allowed) }),
        by,
      ),
    ).toMatchObject({ version: 2 })
  })
})

describe('releases', () => {
  test('a greater configVersion takes precedence, archives the change, and reports it', async () => {
    const vendor = await startVendor('github')
    const store = asynchronous()
    const old = await followingGate(vendor, { store }, allowed)
    const change = { module: githubModule(vendor, removed) }
    await old.configuration.change(() => change, by)
    const next = await followingGate(vendor, { store, configVersion: 2 }, allowed)
    expect((await logIn({ gate: next })).status).toBe(200)
    expect(await next.configuration.current()).toMatchObject({
      version: 2,
      configVersion: 2,
      change: undefined,
    })
    const history = []
    for await (const version of next.configuration.history(10)) history.push(version)
    expect(history).toMatchObject([{ version: 1, configVersion: 1, change }])
    expect(next.logged.join('\n')).toContain('the code takes precedence over version 1')
  })

  test('during a rolling deploy, the old processes keep what they have, and can neither overwrite nor change it', async () => {
    const vendor = await startVendor('github')
    const store = asynchronous()
    const old = await followingGate(vendor, { store }, allowed)
    await old.configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    const next = await followingGate(vendor, { store, configVersion: 2 }, allowed)
    await next.configuration.current()
    const change = { module: githubModule(vendor, { emailAddresses: ['octavia@acme.example'] }) }
    await next.configuration.change(() => change, by)
    expect(await old.configuration.current()).toMatchObject({ version: 3, configVersion: 2 })
    expect((await logIn({ gate: old })).status).toBe(403)
    await expect(old.configuration.change(() => undefined, by)).rejects.toMatchObject({
      code: 'stale_config_version',
    })
    // Another process of the old release starts, as after a crash.
    const restarted = await followingGate(vendor, { store }, allowed)
    expect((await logIn({ gate: restarted })).status).toBe(403)
    expect(await next.configuration.current()).toMatchObject({ version: 3, change })
    expect((await logIn({ gate: next })).status).toBe(200)
  })

  test('after a change of the code that the stored change does not fit, a process passes nothing and states why', async () => {
    const vendor = await startVendor('github')
    const oauth2 = await startVendor('oauth2')
    const store = asynchronous()
    const { acme } = providerOf(oauth2, {}, 'acme') as { acme: never }
    const before = await followingGate(vendor, {
      store,
      provider: { ...(providerOf(vendor) as object), acme },
    })
    const urls = { authorizationUrl: 'https://auth.example/a', tokenUrl: 'https://auth.example/t' }
    await before.configuration.change(
      () => ({ connections: { acme: { ...urls, ...clientOf(oauth2) } } }),
      by,
    )
    const after = await followingGate(vendor, { store }, allowed)
    expect((await createBrowser().get(after.url('/'), { headers: program })).status).toBe(503)
    expect(after.logged.join('\n')).toMatch(/is not valid[\s\S]*acme is not an oauth2Provider/)
    // The configuration can be corrected where it does not fit.
    await after.configuration.change(() => ({ module: githubModule(vendor, allowed) }), by)
    expect((await logIn({ gate: after })).status).toBe(200)
  })

  test('a rotated secret reads the configuration that an earlier one encrypted', async () => {
    const vendor = await startVendor('github')
    const store = asynchronous()
    const first = await followingGate(vendor, { store }, allowed)
    await first.configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    const rotated = ['a new secret that is longer than 32 characters', secret]
    const second = await followingGate(vendor, { store, secret: rotated }, allowed)
    expect((await logIn({ gate: second })).status).toBe(403)
  })
})

describe('reconfigure()', () => {
  test('replaces the code, and the stored change stays on top of it', async () => {
    const vendor = await startVendor('github')
    const gate = await followingGate(vendor, {}, allowed)
    await gate.configuration.change(() => ({ module: githubModule(vendor, removed) }), by)
    gate.middleware.reconfigure({
      provider: providerOf(vendor, { displayName: 'New' }),
      secret,
      logger: recorder(gate.logged),
      authCheckInterval: 60,
    })
    expect((await logIn({ gate })).status).toBe(403)
    expect(gate.configuration.options).toMatchObject({
      authCheckInterval: 0,
      provider: { github: { displayName: 'New' } },
    })
    await gate.configuration.change(() => undefined, by)
    expect((await logIn({ gate })).status).toBe(200)
    expect(gate.configuration.options).toMatchObject({ authCheckInterval: 60 })
  })

  test('throws if the code is invalid without the change, or with it', async () => {
    const vendor = await startVendor('github')
    const gate = await followingGate(vendor, {}, allowed)
    await gate.configuration.change(
      () => ({ module: githubModule(vendor, removed, { maximumDuration: 60 }) }),
      by,
    )
    const options = { provider: providerOf(vendor), secret, logger: silent }
    const { middleware } = gate
    expect(() => middleware.reconfigure({ ...options, maximumDuration: -1 })).toThrow(
      /maximumDuration/,
    )
    expect(() =>
      middleware.reconfigure({ ...options, authCheckInterval: 10, authCheckGrace: 5 }),
    ).toThrow(/authCheckGrace/)
    expect((await logIn({ gate })).status).toBe(403)
  })
})

describe('enabled: false', () => {
  test('passes every request without identity headers, serves no special path, and warns', async () => {
    const vendor = await startVendor('github')
    const gate = await followingGate(vendor, {}, allowed)
    const { configuration } = gate
    await configuration.change(
      () => ({ module: githubModule(vendor, allowed, { enabled: false }) }),
      by,
    )
    expect(configuration.isEnabled).toBe(false)
    const page = await createBrowser().get(gate.url('/x'), {
      headers: { 'ngrok-auth-user-email': 'a@b.example' },
    })
    expect(page.status).toBe(200)
    expect(page.body).not.toContain('a@b.example')
    expect((await createBrowser().get(gate.url('/auth/session'))).body).toContain(
      '"url":"/auth/session"',
    )
    expect(gate.logged.join('\n')).toContain('the stored configuration disables the gate')
    await configuration.change(() => ({ module: githubModule(vendor, allowed) }), by)
    expect((await createBrowser().get(gate.url('/x'), { headers: program })).status).toBe(401)
  })
})

describe('sessions of a connection that moved', () => {
  test('end, also after it moves back, and a login in progress does not reach the new endpoint', async () => {
    const [vendor, evil] = [await startVendor('oauth2'), await startVendor('oauth2')]
    const base = vendor.options as Record<string, string> & {
      clientId: string
      clientSecret: string
    }
    const acme = oauth2Provider(base as never)
    const gate = await startGate({ provider: { acme }, configVersion: 1 })
    const configuration = configurationOf(gate.middleware)
    const client = clientOf(vendor)
    const at = (server: typeof vendor) => {
      const { authorizationUrl, tokenUrl } = server.options as Record<string, string>
      return { connections: { acme: { ...client, authorizationUrl, tokenUrl } } } as StoredChange
    }
    const browser = createBrowser()
    expect((await logIn({ gate, browser })).status).toBe(200)
    // A change without another origin or client keeps the session.
    await configuration.change(
      () => ({
        connections: {
          acme: { ...at(vendor).connections?.['acme'], displayName: 'Acme' } as never,
        },
      }),
      by,
    )
    const visit = () => browser.get(gate.url('/api'), { headers: program, follow: false })
    expect((await visit()).status).toBe(200)
    const started = createBrowser()
    const toProvider = await started.get(gate.url('/'), { follow: false })
    await configuration.change(() => at(evil), by)
    expect((await visit()).status).toBe(401)
    const callback = await started.get(toProvider.location ?? '', {
      follow: (url) => !url.includes('/auth/callback'),
    })
    const late = await started.get(callback.location ?? '')
    expect(late.status).toBe(400)
    expect(evil.requests.filter(({ endpoint }) => endpoint === 'token')).toEqual([])
    await configuration.change(() => undefined, by)
    expect((await visit()).status).toBe(401)
    expect((await logIn({ gate, browser })).status).toBe(200)
  })
})
