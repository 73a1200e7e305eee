import { afterEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import supertest from 'supertest'
import { cookieStore, memoryStore, type OAuthModuleOptions } from '../../src/index.js'
import { signIn } from '../../src/testing/index.js'
import { adminGate, type AdminGate, chrome } from '../support/admin.js'
import { navigate, type PageResponse } from '../support/admin-pages.js'
import { fakeDate, realDate } from '../support/clock.js'
import { stopAll, stopping } from '../support/gate.js'
import { listen } from '../support/server.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

const ada = { id: 'ada', email: 'ada@acme.example', name: 'Ada' }
const bob = { id: 'bob', email: 'bob@acme.example', name: 'Bob' }
const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1'

const html = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' }
const json = {
  accept: 'application/json',
  'sec-fetch-mode': 'cors',
  'sec-fetch-site': 'same-origin',
}

interface Scene {
  readonly gate: AdminGate
  readonly origin: string
  enter(user: typeof ada, userAgent?: string): Promise<string>
  get(cookie: string, headers?: Record<string, string>): Promise<PageResponse>
  post(
    cookie: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<PageResponse>
  list(cookie: string): Promise<{ devices: Record<string, unknown>[]; token: string }>
  visit(cookie: string): Promise<number>
}

async function scene(options: Partial<OAuthModuleOptions> = {}): Promise<Scene> {
  const gate = adminGate({ id: 'app', ...options })
  const app = express()
  app.use(gate.auth)
  app.use('/account/devices', gate.auth.devices())
  app.use((_req, res) => void res.send('the app'))
  const { origin, port } = stopping(await listen(app))
  const url = `${origin}/account/devices`
  const get: Scene['get'] = (cookie, headers = html) =>
    navigate(url, { headers: { cookie, ...headers } })
  return {
    gate,
    origin,
    get,
    async enter(user, userAgent = chrome) {
      const agent = supertest.agent(`http://127.0.0.1:${port}`).set('User-Agent', userAgent)
      return (await signIn(agent, gate.auth, user)).cookie
    },
    post: (cookie, fields, headers = html) =>
      navigate(url, { form: fields, headers: { cookie, origin, ...headers } }),
    list: async (cookie) => JSON.parse((await get(cookie, json)).text),
    async visit(cookie) {
      return (await fetch(origin, { headers: { cookie, ...json }, redirect: 'manual' })).status
    },
  }
}

describe('devices() shows', () => {
  test('this device first, and the others with what their user agents reveal, and those of no one else', async () => {
    const { enter, get, list } = await scene()
    const phone = await enter(ada, safari)
    const laptop = await enter(ada)
    const other = await enter(bob)
    const { devices } = await list(phone)
    expect(devices).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{64}$/),
        isCurrent: true,
        browser: 'Safari',
        system: 'iOS',
        deviceType: 'Mobile',
        ipAddress: '127.0.0.1',
        isDeviceBound: false,
        createdAt: expect.any(Number),
        lastActive: expect.any(Number),
        expiresAt: expect.any(Number),
      },
      expect.objectContaining({ isCurrent: false, browser: 'Chrome', system: 'macOS' }),
    ])
    expect((await list(other)).devices).toHaveLength(1)
    const page = await get(laptop)
    const { text } = page
    expect(page.status).toBe(200)
    expect(text).toContain('<title>Your devices</title>')
    expect(text.indexOf('This device')).toBeLessThan(
      text.indexOf('<bdi>Safari</bdi> on <bdi>iOS</bdi>'),
    )
    expect(text.match(/<form /g)).toHaveLength(3)
    for (const cookie of [phone, laptop]) expect(text).not.toContain(cookie.split('=')[1])
  })

  test('in the language and the look of the pages', async () => {
    const { enter, get } = await scene({
      branding: { appName: 'Acme' },
      texts: (language) =>
        language === 'de'
          ? {
              devicesTitle: 'Ihre Geräte',
              browserOnSystem: '{browser} unter {system}',
              signedInAt: 'Angemeldet {time}',
            }
          : undefined,
    })
    const cookie = await enter(ada)
    const page = await get(cookie, { ...html, 'accept-language': 'de-CH' })
    const { text } = page
    expect(text).toContain('<html lang="de"')
    expect(text).toContain('<title>Ihre Geräte · Acme</title>')
    expect(text).toContain('<bdi>Chrome</bdi> unter <bdi>macOS</bdi>')
    expect(text).toMatch(/Angemeldet <time [^>]*>jetzt<\/time>/)
    expect(page.headers.get('referrer-policy')).toBe('same-origin')
    expect(page.headers.get('x-frame-options')).toBe('DENY')
  })

  test('a login to those who are not signed in, and 501 if the store cannot list', async () => {
    const { get } = await scene({ unauthenticated: 'pass' })
    expect((await get('', json)).status).toBe(401)
    const { entries: _, ...unlisted } = memoryStore()
    for (const store of [unlisted as ReturnType<typeof memoryStore>, cookieStore()]) {
      const other = await scene({ store })
      const page = await other.get(await other.enter(ada))
      expect(page.status).toBe(501)
      expect(page.text).toContain('store_not_listable')
    }
  })

  test('needs the gate in front of it', async () => {
    const gate = adminGate()
    const app = express().use(gate.auth.devices())
    app.use((error: Error, _req: unknown, res: express.Response, _next: unknown) => {
      res.status(500).send(error.message)
    })
    const { origin } = stopping(await listen(app))
    expect(await (await fetch(origin)).text()).toContain(
      'devices() needs the middleware in front of it',
    )
  })
})

describe('devices() signs out', () => {
  test('one device, which is out at its next request', async () => {
    const { enter, post, list, visit, gate } = await scene()
    const [phone, laptop] = [await enter(ada, safari), await enter(ada)]
    const { devices, token } = await list(laptop)
    const { id } = devices.find(({ browser }) => browser === 'Safari') ?? {}
    const done = await post(laptop, { token, session: String(id) })
    expect([done.status, done.headers.get('location')]).toEqual([303, '/account/devices'])
    expect([await visit(phone), await visit(laptop)]).toEqual([401, 200])
    expect(gate.revoked).toEqual([id])
  })

  test('with JSON, too', async () => {
    const { enter, post, list, visit } = await scene()
    const [phone, laptop] = [await enter(ada, safari), await enter(ada)]
    const { devices, token } = await list(laptop)
    const { id } = devices.find(({ browser }) => browser === 'Safari') ?? {}
    const done = await post(laptop, { token, session: String(id) }, json)
    expect(JSON.parse(done.text)).toEqual({ signedOut: [id] })
    expect([await visit(phone), await visit(laptop)]).toEqual([401, 200])
  })

  test('everywhere, and shows the signed-out page', async () => {
    const { enter, post, list, visit } = await scene()
    const cookies = [await enter(ada, safari), await enter(ada), await enter(ada)] as const
    const other = await enter(bob)
    const { token } = await list(cookies[1])
    const done = await post(cookies[1], { token, session: 'all' })
    expect(done.status).toBe(200)
    expect(done.text).toContain('You are signed out')
    expect(done.headers.getSetCookie().join()).toContain('Max-Age=0')
    expect(await Promise.all([...cookies, other].map((cookie) => visit(cookie)))).toEqual([
      401, 401, 401, 200,
    ])
  })

  test('this device as a logout does', async () => {
    const { enter, post, list, visit } = await scene({ logout: { returnTo: '/bye' } })
    const [phone, laptop] = [await enter(ada, safari), await enter(ada)]
    const { devices, token } = await list(laptop)
    const done = await post(laptop, { token, session: String(devices[0]?.['id']) })
    expect(done.text).toContain('href="/bye"')
    expect([await visit(phone), await visit(laptop)]).toEqual([200, 401])
  })

  test('never by a forged form, and never a session of someone else', async () => {
    const { enter, post, list, visit, gate } = await scene()
    const [mine, laptop, other] = [await enter(ada), await enter(ada, safari), await enter(bob)]
    const { token, devices } = await list(mine)
    const session = String(devices[1]?.['id'])
    const foreign = String((await list(other)).devices[0]?.['id'])
    const evil = { ...html, origin: 'https://evil.example' }
    const rejected = [
      await post(mine, { session }),
      await post(mine, { session, token: 'x' }),
      await post(mine, { session, token: (await list(laptop)).token }),
      await post(mine, { session, token }, evil),
      await post(mine, { session, token }, { ...html, origin: 'null' }),
      await post(mine, { session: 'all', token }, evil),
    ]
    for (const response of rejected) {
      expect(response.status).toBe(403)
      expect(response.text).toContain('invalid_form')
    }
    for (const unknown of [foreign, 'x', '', 'user-1'])
      expect((await post(mine, { session: unknown, token })).status).toBe(303)
    expect(await Promise.all([mine, laptop, other].map((cookie) => visit(cookie)))).toEqual([
      200, 200, 200,
    ])
    expect(gate.revoked).toEqual([])
  })
})

describe('browserSession', () => {
  test('keeps neither address nor user agent if they are turned off', async () => {
    const store = memoryStore()
    const { enter, list } = await scene({
      store,
      browserSession: { ipAddress: false, userAgent: false },
    })
    const cookie = await enter(ada)
    expect((await list(cookie)).devices).toMatchObject([
      { browser: null, system: null, ipAddress: null },
    ])
    const { entries = [] } = (await store.entries?.({ kind: 'session', limit: 9 })) ?? {}
    expect(JSON.stringify(entries)).not.toMatch(/127\.0\.0\.1|Mozilla/)
  })

  test.each([
    ['in memory', () => memoryStore()],
    ['as rows', () => ({ ...memoryStore() })],
  ])(
    'removes both after maxAge: from lists at once, from the rows when the session is next written: %s',
    async (_, newStore) => {
      const clock = fakeDate()
      const store = newStore()
      const { enter, list, visit } = await scene({
        store,
        browserSession: { maxAge: 3600 },
        inactivityTimeout: 86_400,
      })
      const cookie = await enter(ada)
      const row = async () => {
        const { entries = [] } = (await store.entries?.({ kind: 'session', limit: 9 })) ?? {}
        expect(entries).toHaveLength(1)
        return JSON.stringify(entries)
      }
      clock.forward(3599)
      expect((await list(cookie)).devices).toMatchObject([
        { browser: 'Chrome', ipAddress: '127.0.0.1' },
      ])
      expect(await row()).toMatch(/127\.0\.0\.1.*Mozilla|Mozilla.*127\.0\.0\.1/)
      clock.forward(1)
      expect((await list(cookie)).devices).toMatchObject([{ browser: null, ipAddress: null }])
      // A tenth of inactivityTimeout, at most an hour, after the previous write.
      clock.forward(3600)
      expect(await visit(cookie)).toBe(200)
      for (let turn = 0; turn < 200 && (await row()).includes('Mozilla'); turn++)
        await new Promise((resolve) => setTimeout(resolve, 10))
      expect(await row()).not.toMatch(/127\.0\.0\.1|Mozilla/)
      expect(await visit(cookie)).toBe(200)
    },
  )
})
