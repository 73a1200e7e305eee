import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ExpressSessionStore } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { type LogoutTokens, startLogoutTokens } from '../support/logout-tokens.js'
import { program } from '../support/recheck.js'

let vendor: VendorServer
let tokens: LogoutTokens

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
  tokens = await startLogoutTokens(vendor)
})
afterAll(stopAll)

type Rows = Map<string, string>
type List = (rows: Rows) => unknown

/** A store made for express-session that lists its rows in its own way. */
function storeThatLists(list: List): { store: ExpressSessionStore; rows: Rows } {
  const rows: Rows = new Map([
    ['app', JSON.stringify({ cookie: { originalMaxAge: null }, views: 3 })],
  ])
  const store: ExpressSessionStore = {
    get: (sid, callback) => callback(null, JSON.parse(rows.get(sid) ?? 'null')),
    set(sid, session, callback) {
      rows.set(sid, JSON.stringify(session))
      callback?.()
    },
    destroy(sid, callback) {
      rows.delete(sid)
      callback?.()
    },
    all: (callback) => callback(null, list(rows)),
  }
  return { store, rows }
}

async function start(list: List) {
  const { store, rows } = storeThatLists(list)
  const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
  return { gate, rows, browser: await logIn(gate) }
}

async function logIn(gate: Gate): Promise<Browser> {
  const browser = createBrowser()
  expect((await browser.get(gate.url('/'))).status).toBe(200)
  return browser
}

const isIn = async (browser: Browser, gate: Gate) =>
  (await browser.get(gate.url('/'), { headers: program })).status === 200

const each = <T>(rows: Rows, row: (sid: string, json: string) => T) =>
  [...rows].map(([sid, json]) => row(sid, json))

const readable: Record<string, List> = {
  'rows of a table with the session as JSON': (rows) =>
    each(rows, (sid, sess) => ({ sid, sess, expire: '2099-01-01' })),
  'rows with a parsed session': (rows) =>
    each(rows, (sid, json) => ({ _id: sid, session: JSON.parse(json), __v: 0 })),
  'rows with the session as bytes': (rows) =>
    each(rows, (sid, json) => ({ sid, data: Buffer.from(json) })),
  'typed columns': (rows) => each(rows, (sid, json) => ({ id: { S: sid }, sess: { S: json } })),
  'an array of JSON': (rows) => [...rows.values()],
  'an object by ID': (rows) =>
    Object.fromEntries(each(rows, (sid, json) => [sid, JSON.parse(json)] as const)),
  'an object of JSON by ID': (rows) => Object.fromEntries(rows),
  'a Map': (rows) => new Map(each(rows, (sid, json) => [sid, JSON.parse(json)] as const)),
  'pairs of ID and session': (rows) => each(rows, (sid, json) => [sid, JSON.parse(json)]),
  'IDs only': (rows) => [...rows.keys()],
  'IDs with a prefix': (rows) => each(rows, (sid) => `sess:${sid}`),
  'rows with an ID and unreadable contents': (rows) =>
    each(rows, (sid, json) =>
      sid === 'app' ? JSON.parse(json) : { sid, data: 'encrypted', flags: 0 },
    ),
  'rows of other software without a value': (rows) => [null, undefined, ...rows.values()],
}

describe('B10: an express-session store whose all() returns rows of another shape', () => {
  test.each(Object.keys(readable))(
    'B10: %s: users and sessions are listed, and users.delete() ends all sessions of the user',
    async (name) => {
      const { gate, rows, browser } = await start(readable[name] as List)
      const other = await logIn(gate)
      const { users, sessions } = gate.middleware
      expect((await sessions.list()).items).toHaveLength(2)
      const [user] = (await users.list()).items
      expect(await tokens.send(gate, { sub: 'another' })).toBe(200)
      expect([await isIn(browser, gate), await isIn(other, gate)]).toEqual([true, true])
      expect(await users.delete(String(user?.id))).toBe(true)
      expect([await isIn(browser, gate), await isIn(other, gate)]).toEqual([false, false])
      const left = [...rows.keys()].filter((sid) => !/\.(?:active|sub|jti)-/.test(sid))
      expect(left).toEqual(['app'])
    },
  )

  const unreadable: Record<string, List> = {
    'rows without a session': (rows) => each(rows, (_, json) => ({ length: json.length })),
    'pages of rows': (rows) => ({ page: 1, sessions: [...rows.values()] }),
    'one row that cannot be read among others': (rows) => [...rows.values(), { broken: true }],
    'nothing, although there are rows': () => [],
    'no list at all': () => undefined,
    'a number': (rows) => rows.size,
    'sessions of the app only': (rows) => [rows.get('app')],
    'a cursor': () => ({ async next() {}, closed: false }),
  }
  test.each(Object.keys(unreadable))(
    'B10: %s: lists, users.delete() and monthlyActiveUsers() reject with store_not_listable, back-channel logout gets 501, and logins continue',
    async (name) => {
      const { gate, browser } = await start(unreadable[name] as List)
      const { users, sessions, monthlyActiveUsers } = gate.middleware
      const { handle, id } = await handleOf(browser, gate)
      for (const call of [
        () => users.list(),
        () => sessions.list(),
        () => users.delete(id),
        () => monthlyActiveUsers(),
      ])
        await expect(call()).rejects.toMatchObject({ code: 'store_not_listable', status: 501 })
      expect(await tokens.send(gate)).toBe(501)
      expect(await isIn(browser, gate)).toBe(true)
      expect(await sessions.revoke(handle)).toBe(true)
      expect(await isIn(browser, gate)).toBe(false)
    },
  )

  test('B10: rows of another shape: back-channel logout ends the sessions of the user', async () => {
    const { gate, browser } = await start(
      readable['rows of a table with the session as JSON'] as List,
    )
    expect(await tokens.send(gate)).toBe(200)
    expect(await isIn(browser, gate)).toBe(false)
  })

  test('B10: an empty store lists nothing, and the row that tests the list is removed', async () => {
    const { store, rows } = storeThatLists((all) => [...all.values()])
    const gate = await startGate({ provider: { idp: oidcOf(vendor) }, store })
    expect((await gate.middleware.sessions.list()).items).toEqual([])
    expect([...rows.keys()]).toEqual(['app'])
  })

  test('B10: a store that returns its rows without a callback is read', async () => {
    const { store, rows } = storeThatLists(() => [])
    const gate = await startGate({
      provider: { idp: oidcOf(vendor) },
      store: { ...store, all: () => [...rows.values()] },
    })
    await logIn(gate)
    expect((await gate.middleware.sessions.list()).items).toHaveLength(1)
  })
})

async function handleOf(browser: Browser, gate: Gate) {
  const { oauth, user } = JSON.parse((await browser.get(gate.url('/'))).body)
  return { handle: String(oauth.sessionHandle), id: String(user.key) }
}
