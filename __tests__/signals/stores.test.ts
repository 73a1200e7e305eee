import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import connectPg from 'connect-pg-simple'
import session from 'express-session'
import fileStore from 'session-file-store'
import { cookieStore, memoryStore, oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import {
  type Gate,
  oidcOf,
  recorder,
  secret,
  startGate,
  stopAll,
  stopping,
} from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { oddStore } from '../support/odd-store.js'
import { type Postgres, startPostgres } from '../support/postgres.js'
import { EFFECTS, effectOn } from '../support/signal-events.js'
import { CAEP, startTransmitter, type TestTransmitter } from '../support/transmitter.js'

const AUDIENCE = 'app'
type Store = NonNullable<OAuthModuleOptions['store']>

const folder = mkdtempSync(join(tmpdir(), 'oauth-module-signals-'))
const closing: (() => unknown)[] = []
let vendor: VendorServer
let transmitter: TestTransmitter
let postgres: Postgres

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  transmitter = stopping(await startTransmitter({ audience: AUDIENCE }))
  postgres = await startPostgres()
}, 60_000)
afterAll(async () => {
  await stopAll()
  for (const close of closing) await close()
  await postgres?.close()
  rmSync(folder, { recursive: true, force: true })
})

function pgStore(): Store {
  const PgStore = connectPg(session)
  const store = new PgStore({
    pool: postgres.pool,
    createTableIfMissing: true,
    pruneSessionInterval: false,
  })
  closing.push(() => store.close())
  return store
}

function filesStore(): Store {
  const FileStore = fileStore(session)
  const options = { path: folder, retries: 0, logFn: () => undefined, reapInterval: -1 }
  return new FileStore(options)
}

/** The stores of two gates: another process has its own, over the same rows. */
const stores: [name: string, open: () => [Store, Store]][] = [
  ['memoryStore()', () => twice(memoryStore())],
  ["express-session's MemoryStore", () => twice(new session.MemoryStore())],
  ['connect-pg-simple, which cannot list', () => [pgStore(), pgStore()]],
  ['session-file-store, which cannot list', () => [filesStore(), filesStore()]],
  ['a store with odd habits', () => twice(oddStore())],
]

function twice(store: Store): [Store, Store] {
  return [store, store]
}

const optionsOf = (store: Store): OAuthModuleOptions => ({
  provider: { idp: oidcOf(vendor) },
  store,
  id: 'shared',
  timeouts: { provider: 60, store: 30 },
  signals: { transmitters: { okta: { issuer: transmitter.issuer, audience: AUDIENCE } } },
})

async function logIn(gate: Gate): Promise<Browser> {
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  return browser
}

const user = () => ({ format: 'iss_sub', iss: vendor.origin, sub: String(vendor.user.id) })
const push = (gate: Gate, event: string) =>
  transmitter.push(gate.url('/auth/signals'), transmitter.token(transmitter.claims(event, user())))

describe.each(stores)('with %s', (_, open) => {
  test('each event type has its effect at the next request in another process', async () => {
    const [first, second] = open()
    const [near, far] = [await startGate(optionsOf(first)), await startGate(optionsOf(second))]
    const effects: Record<string, string> = {}
    let browser = await logIn(near)
    for (const event of Object.keys(EFFECTS)) {
      const other = createBrowser()
      for (const cookie of browser.cookies(near.url('/')))
        other.setCookie(cookie.toString(), far.url('/'))
      expect((await push(near, event)).status).toBe(202)
      effects[event] = await effectOn(other, far.url('/'), vendor)
      if (effects[event] === 'ends') browser = await logIn(near)
    }
    expect(effects).toEqual(EFFECTS)
  }, 120_000)

  test('a repeated token changes nothing, also at another process', async () => {
    const [first, second] = open()
    const [near, far] = [await startGate(optionsOf(first)), await startGate(optionsOf(second))]
    await logIn(near)
    const token = transmitter.token(transmitter.claims(`${CAEP}session-revoked`, user()))
    expect((await transmitter.push(near.url('/auth/signals'), token)).status).toBe(202)
    const browser = await logIn(near)
    expect((await transmitter.push(far.url('/auth/signals'), token)).status).toBe(202)
    expect(await effectOn(browser, near.url('/'), vendor)).toBe('nothing')
  })
})

describe('what a store cannot do', () => {
  test('is reported at construction', () => {
    const linesOf = (store: Store) => {
      const logged: string[] = []
      void oauthModule({ ...optionsOf(store), secret, logger: recorder(logged) }).close()
      return logged.filter((line) => line.includes('signal'))
    }
    expect(linesOf(memoryStore())).toEqual([])
    expect(linesOf(new session.MemoryStore())).toEqual([
      expect.stringMatching(/^warn the store cannot notify processes: after a signal/),
    ])
    expect(linesOf(oddStore())).toEqual([
      expect.stringMatching(/^warn the store cannot notify processes/),
      expect.stringMatching(/^warn the store cannot list: a signal ends .* the latest sessions/),
    ])
  })

  test('throws with sessions in cookies, which no signal reaches', () => {
    expect(() => oauthModule({ ...optionsOf(cookieStore() as never), secret })).toThrow(
      /signals cannot be used with cookieStore\(\)/,
    )
  })
})
