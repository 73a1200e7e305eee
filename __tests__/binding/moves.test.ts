import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import {
  cookieStore,
  memoryStore,
  type OAuthModuleOptions,
  type SessionStore,
} from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { isSameFamily, UserAgentFamilies } from '../../src/http/user-agent-family.js'
import { fakeDate, realDate } from '../support/clock.js'
import { bodyOf, type Gate, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'

let vendor: VendorServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
})
afterEach(realDate)
afterAll(stopAll)

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)'
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)'
const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X)'
const chrome = (version: string) => `${WINDOWS} Chrome/${version} Safari/537.36`
const ua = {
  chrome: chrome('146.0.0.0'),
  chromeNext: chrome('147.0.7300.1'),
  edge: `${WINDOWS} Chrome/146.0.0.0 Safari/537.36 Edg/146.0.0.0`,
  edgeIe: 'Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko',
  firefox: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0',
  chromeMac: `${MAC} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36`,
  headless: `${WINDOWS} HeadlessChrome/146.0.0.0 Safari/537.36`,
  safari: `${MAC} ${WEBKIT} Version/18.6 Safari/605.1.15`,
  ipad: `Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) ${WEBKIT} Version/18.6 Mobile/15E148 Safari/604.1`,
  iphone: `${IPHONE} ${WEBKIT} Version/18.6 Mobile/15E148 Safari/604.1`,
  iphoneApp: `${IPHONE} ${WEBKIT} Mobile/15E148`,
  chromeIphone: `${IPHONE} ${WEBKIT} CriOS/146.0.0.0 Mobile/15E148 Safari/604.1`,
  media: 'AppleCoreMedia/1.0.0.22G86 (iPhone; U; CPU OS 18_6 like Mac OS X; en_us)',
  android:
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Mobile Safari/537.36',
  androidOld:
    'Mozilla/5.0 (Linux; Android 12; SM-G991B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.4844.73 Mobile Safari/537.36',
  androidDesktop:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36',
  androidMedia: 'stagefright/1.2 (Linux;Android 12)',
  samsung:
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
  curl: 'curl/8.5.0',
  python: 'python-requests/2.32.3',
  none: '',
}
const at = {
  home: '93.184.216.34',
  homeLater: '93.184.7.9',
  homeSix: '2a02:810a:1234:5600::1',
  homeSixLater: '2a02:810a:99ff:1::2',
  office: '198.51.100.7',
  cafe: '203.0.113.99',
  otherSix: '2600:1700:1::1',
  carrier: '80.187.104.3',
  carrierLater: '109.40.241.17',
  carrierSix: '2a01:598:8800::1',
}

type Step = readonly [userAgent: keyof typeof ua, address: keyof typeof at]

/** Behind a trusted proxy, which reports the address. */
const start = (options: Partial<OAuthModuleOptions> = {}) =>
  startGate(
    { provider: { idp: oidcOf(vendor) }, ...options },
    { before: (app) => app.set('trust proxy', 'loopback') },
  )
const headersOf = ([userAgent, address]: Step) => ({
  'User-Agent': ua[userAgent],
  'X-Forwarded-For': at[address],
})
const script = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: '*/*' }

interface Moved {
  parts: readonly string[]
  action: string
}

function record(gate: Gate): Moved[] {
  const moves: Moved[] = []
  gate.middleware.on('moved', ({ parts, action }) => void moves.push({ parts, action }))
  return moves
}

describe('families of user agents', () => {
  const families = new UserAgentFamilies()
  const nameOf = (name: keyof typeof ua) => families.of(ua[name]).name

  test.each<[keyof typeof ua, keyof typeof ua]>([
    ['edge', 'edgeIe'],
    ['safari', 'ipad'],
    ['iphone', 'iphoneApp'],
    ['iphone', 'media'],
    ['safari', 'media'],
    ['chromeIphone', 'media'],
    ['android', 'androidOld'],
    ['android', 'androidDesktop'],
    ['android', 'androidMedia'],
    ['samsung', 'androidMedia'],
  ])('are the same for %s and %s', (one, other) => {
    expect([nameOf(one), nameOf(other), isSameFamily(nameOf(one), nameOf(other))]).toEqual([
      nameOf(one),
      nameOf(other),
      true,
    ])
    expect(isSameFamily(nameOf(other), nameOf(one))).toBe(true)
  })

  test('are different for different browsers, platforms, and programs', () => {
    const all = ['chrome', 'edge', 'firefox', 'chromeMac', 'headless', 'safari', 'chromeIphone']
    const names = [...all, 'android', 'samsung', 'curl', 'python', 'none'].map((name) =>
      nameOf(name as keyof typeof ua),
    )
    const chromeOnApple = names.filter((name) => name === 'chrome apple')
    expect(chromeOnApple).toHaveLength(2)
    expect(new Set(names).size).toBe(names.length - 1)
  })
})

/** Recordings of sessions: where each request came from, and what is reported. */
const recordings: readonly [name: string, steps: readonly Step[], moves: readonly string[][]][] = [
  [
    'a browser that updates itself',
    [
      ['chrome', 'home'],
      ['chromeNext', 'homeLater'],
    ],
    [],
  ],
  [
    'a home with addresses of both kinds, whose provider changes them',
    [
      ['chrome', 'home'],
      ['chrome', 'homeSix'],
      ['chrome', 'homeLater'],
      ['chrome', 'homeSixLater'],
    ],
    [],
  ],
  [
    'a phone between the Wi-Fi at home and the networks of its carrier',
    [
      ['iphone', 'home'],
      ['iphone', 'carrier'],
      ['media', 'carrierLater'],
      ['iphone', 'carrierSix'],
      ['iphone', 'cafe'],
      ['iphone', 'homeSix'],
    ],
    [],
  ],
  [
    'an Android phone that requests the desktop site on the way',
    [
      ['android', 'home'],
      ['android', 'carrier'],
      ['androidMedia', 'carrierLater'],
      ['android', 'home'],
    ],
    [],
  ],
  [
    'an iPad that requests the mobile site',
    [
      ['safari', 'home'],
      ['ipad', 'home'],
      ['safari', 'homeSix'],
    ],
    [],
  ],
  [
    'a page that Edge opens in its mode for old pages',
    [
      ['edge', 'office'],
      ['edgeIe', 'office'],
      ['edge', 'office'],
    ],
    [],
  ],
  [
    'a laptop at home, in the office, and at home again: one report for each new network',
    [
      ['chrome', 'home'],
      ['chrome', 'office'],
      ['chrome', 'home'],
      ['chrome', 'office'],
    ],
    [['network']],
  ],
  [
    'an office whose traffic alternates between two networks',
    [
      ['edge', 'office'],
      ['edge', 'cafe'],
      ['edge', 'office'],
      ['edge', 'cafe'],
      ['edge', 'cafe'],
      ['edge', 'office'],
    ],
    [['network']],
  ],
  [
    'a program that uses a copied cookie from another country',
    [
      ['chrome', 'home'],
      ['python', 'cafe'],
      ['chrome', 'home'],
      ['python', 'cafe'],
    ],
    [['userAgent', 'network']],
  ],
  [
    'a copied cookie in the same browser elsewhere, and in another browser in the same network',
    [
      ['chrome', 'home'],
      ['chrome', 'office'],
      ['firefox', 'home'],
    ],
    [['network'], ['userAgent']],
  ],
  [
    'a copied cookie in a network of IPv6',
    [
      ['chrome', 'homeSix'],
      ['chrome', 'otherSix'],
    ],
    [['network']],
  ],
  [
    'a cookie of a phone that is copied to a computer',
    [
      ['iphone', 'carrier'],
      ['chrome', 'cafe'],
    ],
    [['userAgent']],
  ],
]

describe.each(['memory', 'cookie'])('onMove: tell, with the %s store', (kind) => {
  const storeOf = () => (kind === 'memory' ? memoryStore() : cookieStore())

  test.each(recordings)('%s', async (_name, steps, moves) => {
    const gate = await start({ store: storeOf() })
    const recorded = record(gate)
    const browser = createBrowser()
    for (const step of steps) {
      const page = await browser.get(gate.url('/'), { headers: headersOf(step) })
      expect(page.status).toBe(200)
    }
    expect(recorded.map(({ parts }) => parts)).toEqual(moves)
  })
})

describe('where a session was used', () => {
  test('is kept over a restart with the activity, and reads or writes nothing more', async () => {
    const clock = fakeDate()
    const inner = memoryStore()
    const calls: string[] = []
    const store: SessionStore = {
      ...inner,
      get: (key) => (calls.push('get'), inner.get(key)),
      set: (key, row, ttl) => (calls.push('set'), inner.set(key, row, ttl)),
      update: (key, row, ttl) => (calls.push('update'), inner.update(key, row, ttl)),
    }
    const gate = await start({ store, inactivityTimeout: 600 })
    const moves = record(gate)
    const browser = createBrowser()
    await browser.get(gate.url('/'), { headers: headersOf(['chrome', 'home']) })
    calls.length = 0
    await browser.get(gate.url('/'), { headers: headersOf(['chrome', 'office']) })
    expect([moves.length, calls]).toEqual([1, ['get']])
    clock.forward(61)
    await browser.get(gate.url('/'), { headers: headersOf(['chrome', 'home']) })
    await gate.middleware.close()
    const again = await start({ store, inactivityTimeout: 600 })
    const later = record(again)
    // The other gate has another port, which cookies ignore.
    await browser.get(again.url('/'), { headers: headersOf(['chrome', 'office']) })
    expect(later).toEqual([])
    await browser.get(again.url('/'), { headers: headersOf(['chrome', 'cafe']) })
    expect(later).toHaveLength(1)
  })

  test('is unknown behind a proxy that the app does not trust', async () => {
    const gate = await startGate({ provider: { idp: oidcOf(vendor) } })
    const moves = record(gate)
    const browser = createBrowser()
    for (const step of [
      ['chrome', 'home'],
      ['chrome', 'cafe'],
    ] as const)
      await browser.get(gate.url('/'), { headers: headersOf(step) })
    expect(moves).toEqual([])
  })
})

describe('onMove', () => {
  test("'tell' reports who, from where and to where, and lets the request pass", async () => {
    const gate = await start()
    const events: object[] = []
    gate.middleware.on('moved', (event) => void events.push(event))
    const browser = createBrowser()
    const first = await browser.get(gate.url('/'), { headers: headersOf(['chrome', 'home']) })
    await browser.get(gate.url('/'), { headers: headersOf(['curl', 'cafe']) })
    expect(events).toEqual([
      {
        user: expect.objectContaining({ key: bodyOf(first).user?.['key'] }),
        provider: 'idp',
        sessionHandle: bodyOf(first).oauth?.['sessionHandle'],
        parts: ['userAgent', 'network'],
        from: { families: ['chrome windows'], networks: ['93.184'] },
        to: { family: 'curl other', network: '203.0' },
        action: 'tell',
        origin: expect.objectContaining({ ipAddress: at.cafe, userAgent: ua.curl }),
      },
    ])
  })

  test.each(['login', 'end'] as const)('%s ends the session in all places', async (onMove) => {
    const gate = await start({ onMove })
    const moves = record(gate)
    const [browser, thief] = [createBrowser(), createBrowser()]
    const home = headersOf(['chrome', 'home'])
    await browser.get(gate.url('/'), { headers: home })
    for (const { key, value } of browser.cookies(gate.origin))
      thief.setCookie(`${key}=${value}; Path=/`, gate.origin)
    const headers = { ...headersOf(['chrome', 'cafe']), ...script }
    const stolen = await thief.get(gate.url('/api'), { headers })
    expect([stolen.status, moves.map(({ action }) => action)]).toEqual([401, [onMove]])
    const own = await browser.get(gate.url('/api'), { headers: { ...home, ...script } })
    expect(own.status).toBe(401)
    // A navigation starts a login.
    expect((await browser.get(gate.url('/'), { headers: home })).status).toBe(200)
  })

  test("'login' asks once for each place, also where traffic alternates between networks", async () => {
    const gate = await start({ onMove: 'login' })
    const moves = record(gate)
    const browser = createBrowser()
    for (let visit = 0; visit < 6; visit++) {
      const step: Step = ['edge', visit % 2 === 0 ? 'office' : 'cafe']
      expect((await browser.get(gate.url('/'), { headers: headersOf(step) })).status).toBe(200)
    }
    expect(moves).toHaveLength(1)
  })

  test("'login' does not accept the place of a thief through the login of the user", async () => {
    const gate = await start({ onMove: 'login' })
    const moves = record(gate)
    const [browser, thief] = [createBrowser(), createBrowser()]
    const home = { headers: headersOf(['chrome', 'home']) }
    await browser.get(gate.url('/'), home)
    const steal = () => {
      for (const { key, value } of browser.cookies(gate.origin))
        thief.setCookie(`${key}=${value}; Path=/`, gate.origin)
    }
    steal()
    const cafe = { headers: headersOf(['chrome', 'cafe']), follow: false as const }
    expect((await thief.get(gate.url('/'), cafe)).status).toBe(302)
    await browser.get(gate.url('/'), home)
    steal()
    expect((await thief.get(gate.url('/'), cafe)).status).toBe(302)
    expect(moves).toHaveLength(2)
  })
})
