import { afterEach, describe, expect, test } from '@jest/globals'
import { AuditLog } from '../../src/admin/audit-log.js'
import { differences } from '../../src/admin/differences.js'
import type { NamedGate } from '../../src/admin/options.js'
import { cookieStore, memoryStore, type OAuthEvents } from '../../src/index.js'
import { type AdminAccess, ADMIN_ACCESS } from '../../src/middleware/admin-access.js'
import { adminGate, type AdminGate, idsOf, startAdmin } from '../support/admin.js'
import { fakeDate, realDate } from '../support/clock.js'
import { stopAll } from '../support/gate.js'
import { oddStore } from '../support/odd-store.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const ada = { id: 'ada', email: 'ada@acme.example' }
const DAY_MS = 86_400_000

function named({ auth }: AdminGate): NamedGate {
  const access = Reflect.get(auth, ADMIN_ACCESS) as AdminAccess
  return { edge: 'main', route: 'app', access }
}

function logOf(gate: AdminGate, retentionMs = DAY_MS): AuditLog {
  return new AuditLog({ gates: [named(gate)], retentionMs })
}

const event = {
  actor: { tokenName: 'deploy' },
  action: 'delete_user',
  resource: { user: 'github:1' },
} as const

describe('the audit log', () => {
  test('keeps what the API did, with the name of the token, newest first', async () => {
    const start = Date.now()
    const gate = adminGate({ store: memoryStore() })
    const app = await startAdmin({ '/': gate })
    await app.enter(gate, ada)
    await app.enter(gate, ada)
    const [session] = idsOf(await app.call('GET', '/app/sessions'))
    await app.call('DELETE', `/app/sessions/${String(session)}`)
    const [user] = idsOf(await app.call('GET', '/app/users'))
    await app.call('DELETE', `/app/users/${String(user)}`)
    const { items, hasMore } = await logOf(gate).page(undefined, 10)
    expect(hasMore).toBe(false)
    expect(items).toHaveLength(2)
    expect(items.map(({ action }) => action).sort()).toEqual(['delete_user', 'end_session'])
    for (const item of items) {
      expect(item.actor).toEqual({ tokenName: 'deploy' })
      expect(item.resource['user']).toBe('idp:ada')
      expect(item.at).toBeGreaterThanOrEqual(start)
      expect(item.at).toBeLessThanOrEqual(Date.now())
    }
  })

  test('has pages', async () => {
    const log = logOf(adminGate())
    for (let count = 0; count < 5; count++) await log.record(event)
    const first = await log.page(undefined, 2)
    const second = await log.page(first.items[1]?.position, 2)
    const third = await log.page(second.items[1]?.position, 2)
    expect([first.hasMore, second.hasMore, third.hasMore]).toEqual([true, true, false])
    const keys = [first, second, third].flatMap(({ items }) => items.map((one) => one.position.key))
    expect(new Set(keys).size).toBe(5)
  })

  test('forgets entries after the time of the option', async () => {
    const clock = fakeDate()
    const log = logOf(adminGate(), DAY_MS)
    await log.record(event)
    clock.forward(86_399)
    expect((await log.page(undefined, 10)).items).toHaveLength(1)
    clock.forward(2)
    expect((await log.page(undefined, 10)).items).toHaveLength(0)
  })

  test('stores nothing with a retention of 0, and still writes the line', async () => {
    const gate = adminGate()
    const log = logOf(gate, 0)
    await log.record(event)
    expect(log.isKept).toBe(false)
    expect((await log.page(undefined, 10)).items).toEqual([])
    expect(gate.logged.filter((line) => line.includes('deleted a user'))).toHaveLength(1)
  })

  test.each([
    ['an express-session store that cannot list', () => oddStore()],
    ['cookieStore()', () => cookieStore()],
  ])('is only a line in the log with %s', async (_, newStore) => {
    const gate = adminGate({ store: newStore() })
    const log = logOf(gate)
    await log.record(event)
    expect(log.isKept).toBe(false)
    await expect(log.page(undefined, 10)).rejects.toMatchObject({ code: 'store_not_listable' })
    expect(gate.logged.filter((line) => line.includes('deleted a user'))).toHaveLength(1)
  })

  test('reports a store that fails, and the action stands', async () => {
    const inner = memoryStore()
    const store = { ...inner, set: () => Promise.reject(new Error('disk full')) }
    const gate = adminGate({ store })
    await logOf(gate).record(event)
    expect(
      gate.logged.filter((line) => /^error .*audit log could not be stored.*disk full/.test(line)),
    ).toHaveLength(1)
  })
})

describe('the event admin_action', () => {
  test('is emitted for each action, with the origin of the request, which the log and the entry contain', async () => {
    const gate = adminGate({ configVersion: 1 })
    const app = await startAdmin({ '/': gate })
    const events: OAuthEvents['admin_action'][] = []
    gate.auth.on('admin_action', (action) => void events.push(action))
    await app.enter(gate, ada)
    const [session] = idsOf(await app.call('GET', '/app/sessions'))
    const headers = { 'user-agent': 'a script/1.0' }
    await app.call('DELETE', `/app/sessions/${String(session)}`, undefined, { headers })
    const path = '/edges/https/main/routes/route-0/oauth'
    const body = { provider: {}, maximum_duration: 60 }
    expect((await app.call('PUT', path, undefined, { body, headers })).status).toBe(200)
    const origin = { ipAddress: '127.0.0.1', userAgent: 'a script/1.0', requestId: undefined }
    const actor = { tokenName: 'deploy' }
    expect(events).toEqual([
      {
        actor,
        action: 'end_session',
        resource: expect.objectContaining({ user: 'idp:ada' }),
        origin,
      },
      {
        ...{ actor, action: 'replace_module', origin },
        resource: { module: 'main/route-0', version: '1' },
        changes: [expect.objectContaining({ field: 'maximum_duration', after: 60 })],
      },
      expect.objectContaining({ actor, action: 'open_gate', origin }),
    ])
    const lines = gate.logged.filter((line) => line.startsWith('info admin API:'))
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(line).toContain('"ipAddress":"127.0.0.1"')
    const { items } = await logOf(gate).page(undefined, 10)
    for (const item of items) expect(item.origin).toEqual(JSON.parse(JSON.stringify(origin)))
  })

  test('has no address and no user agent with the option browserSession, and a listener that throws changes nothing', async () => {
    const gate = adminGate({ browserSession: { ipAddress: false, userAgent: false } })
    const app = await startAdmin({ '/': gate })
    await app.enter(gate, ada)
    const [user] = idsOf(await app.call('GET', '/app/users'))
    gate.auth.on('admin_action', () => {
      throw new Error('a bug of the app')
    })
    expect((await app.call('DELETE', `/app/users/${String(user)}`)).status).toBe(200)
    const [entry] = (await logOf(gate).page(undefined, 10)).items
    expect([entry?.action, entry?.origin]).toEqual(['delete_user', {}])
    expect(gate.logged.join('\n')).not.toContain('127.0.0.1')
  })

  test('entries of earlier releases, which have no origin, stay readable', async () => {
    const gate = adminGate()
    await named(gate).access.records.add('audit', event, DAY_MS)
    await named(gate).access.records.add('audit', { ...event, origin: 'forged' }, DAY_MS)
    expect((await logOf(gate).page(undefined, 10)).items).toEqual([expect.objectContaining(event)])
  })
})

describe('in the store', () => {
  test('an entry is encrypted, and one that was written without the secret counts for nothing', async () => {
    const store = memoryStore()
    const gate = adminGate({ store })
    const log = logOf(gate)
    await log.record(event)
    const { entries = [] } = (await store.entries?.({ kind: 'audit', limit: 10 })) ?? {}
    expect(JSON.stringify(entries)).not.toMatch(/deploy|github:1/)
    const [first] = entries
    if (first === undefined) throw new Error('there is no entry')
    const [key, row] = first
    const now = Date.now()
    await store.set(`${key}-copy`, row, DAY_MS)
    await store.set('audit-forged', { ...row, createdAt: now, ...{ sealed: 'AAAA' } }, DAY_MS)
    await store.set(
      'audit-plain',
      { kind: 'audit', group: '', createdAt: now, revision: 1 },
      DAY_MS,
    )
    expect((await log.page(undefined, 10)).items).toHaveLength(1)
    await store.set(key, { ...row, createdAt: now - DAY_MS }, DAY_MS)
    expect((await log.page(undefined, 10)).items).toHaveLength(0)
  })

  test('each gate reads what another one with its own secret has written', async () => {
    const store = memoryStore()
    const shop = named(adminGate({ store, id: 'shop' }))
    const blog = named(
      adminGate({ store, id: 'blog', secret: 'another secret of thirty-two characters' }),
    )
    await new AuditLog({ gates: [shop, blog], retentionMs: DAY_MS }).record(event)
    await new AuditLog({ gates: [blog, shop], retentionMs: DAY_MS }).record(event)
    for (const gates of [[shop, blog] as const, [blog, shop] as const])
      expect(
        (await new AuditLog({ gates, retentionMs: DAY_MS }).page(undefined, 10)).items,
      ).toHaveLength(2)
    expect(
      (await new AuditLog({ gates: [blog], retentionMs: DAY_MS }).page(undefined, 10)).items,
    ).toHaveLength(1)
  })

  test('keeps what signals did, with their source, and not those without effect', async () => {
    const deliveries = ['end', 'recheck', 'end', 'end'] as const
    const hr = ({ body }: { body: Buffer }) => {
      const id = body.toString()
      const action = deliveries[Number(id)] ?? 'end'
      return { id, signals: [{ user: { key: 'idp:ada' }, action, type: 'left' }] }
    }
    const gate = adminGate({ store: memoryStore(), signals: { webhooks: { hr } } })
    const app = await startAdmin({ '/': gate })
    const send = async (body: string) => {
      const response = await fetch(`${app.origin}/auth/webhooks/hr`, { method: 'POST', body })
      expect(response.status).toBe(202)
    }
    await app.enter(gate, ada)
    await app.enter(gate, ada)
    await send('0')
    await send('0')
    await app.enter(gate, ada)
    await send('1')
    await send('2')
    // This user has no session any more.
    await send('3')
    const { items } = await logOf(gate).page(undefined, 10)
    const entry = (action: string, sessions: string) =>
      expect.objectContaining({
        actor: { signal: 'hr' },
        action,
        resource: { module: 'main/route-0', type: 'left', user: 'idp:ada', sessions },
      })
    expect(items.map(({ action, resource }) => [action, resource['sessions']]).sort()).toEqual([
      ['signal_end', '1'],
      ['signal_end', '2'],
      ['signal_recheck', '1'],
    ])
    expect(items).toContainEqual(entry('signal_end', '2'))
    expect(gate.logged.filter((line) => line.startsWith('info signals: hr '))).toEqual([
      expect.stringContaining('hr ended sessions {"module":"main/route-0","type":"left"'),
      expect.stringContaining('hr had sessions checked'),
      expect.stringContaining('hr ended sessions'),
    ])
  })

  test('an entry is bounded', async () => {
    const store = memoryStore()
    const log = logOf(adminGate({ store }))
    const long = 'x'.repeat(1500)
    const changes = Array.from({ length: 50 }, (_, index) => ({
      field: `field-${index}`,
      before: long,
      after: long,
    }))
    await log.record({ ...event, changes })
    const { entries = [] } = (await store.entries?.({ kind: 'audit', limit: 10 })) ?? {}
    expect(JSON.stringify(entries).length).toBeLessThan(30_000)
    const [entry] = (await log.page(undefined, 10)).items
    expect(entry?.changes?.[49]).toEqual({ field: 'field-49' })
  })
})

describe('differences', () => {
  test('name the fields with the values before and after', () => {
    expect(
      differences(
        { enabled: true, provider: { github: { teams: ['a/b'], scopes: [] }, google: null } },
        {
          enabled: true,
          provider: { github: { teams: [], scopes: [] }, google: { scopes: ['x'] } },
        },
      ),
    ).toEqual([
      { field: 'provider.github.teams', before: ['a/b'], after: [] },
      { field: 'provider.google.scopes', after: ['x'] },
    ])
  })

  test('never contain a secret', () => {
    const changes = differences(
      { options: { client_secret: 'old', customHeaders: { Authorization: 'Basic a' } } },
      { options: { client_secret: 'new', customHeaders: { 'X-Key': 'b' } } },
    )
    expect(changes).toEqual([
      { field: 'options.client_secret', isSecret: true },
      { field: 'options.customHeaders.Authorization', isSecret: true },
      { field: 'options.customHeaders.X-Key', isSecret: true },
    ])
  })

  test('are bounded', () => {
    const before = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`f${index}`, 1]))
    const changes = differences(before, { long: 'x'.repeat(10_000) })
    expect(changes).toHaveLength(51)
    expect(JSON.stringify(changes).length).toBeLessThan(10_000)
  })
})
