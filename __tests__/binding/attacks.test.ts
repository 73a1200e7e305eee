import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { cookieStore, type OAuthModuleOptions } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import {
  type BoundClient,
  createBoundClient,
  createDevice,
  offerOf,
} from '../support/bound-client.js'
import { fakeDate, realDate } from '../support/clock.js'
import { bodyOf, type Gate, type GateSetup, oidcOf, startGate, stopAll } from '../support/gate.js'
import { createBrowser, type Page } from '../support/jar.js'
import { createPrivateCa, type PrivateCa } from '../support/private-ca.js'

const SESSION = '__Host-ngrok.session'
const BOUND = '__Host-ngrok.bound'
const REGISTER = '/auth/device/register'
const REFRESH = '/auth/device/refresh'

let vendor: VendorServer
let ca: PrivateCa

beforeAll(async () => {
  vendor = await startVendor('oidc')
  ca = createPrivateCa(['localhost'])
})
afterEach(async () => {
  realDate()
  await stopAll()
})
afterAll(async () => {
  ca.remove()
  await vendor.close()
})

const start = (options: Partial<OAuthModuleOptions> = {}, setup: GateSetup = {}) =>
  startGate(
    { provider: { idp: oidcOf(vendor) }, deviceBound: true, ...options },
    { tls: ca, ...setup },
  )

async function bound(gate: Gate): Promise<BoundClient> {
  const client = createBoundClient(gate.origin)
  expect((await client.signIn(gate.url('/'))).status).toBe(200)
  expect((await client.register()).status).toBe(200)
  return client
}

const cookieOf = ({ browser }: BoundClient, gate: Gate, name: string) =>
  `${name}=${browser.cookies(gate.origin).find(({ key }) => key === name)?.value ?? ''}`
const isBound = async ({ browser }: BoundClient, gate: Gate) =>
  bodyOf(await browser.get(gate.url('/'))).oauth?.['isDeviceBound']
const outcome = ({ status, setCookie }: Page) => [status, setCookie]

describe('other sites', () => {
  const evil = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }

  test.each([REGISTER, REFRESH])('may not send their scripts to %s', async (path) => {
    const gate = await start({ optionsPassthrough: true })
    const preflight = await createBrowser().request('OPTIONS', gate.url(path), undefined, {
      headers: {
        ...evil,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'secure-session-response',
      },
    })
    const names = Object.keys(preflight.headers)
    expect(names.filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test.each([REGISTER, REFRESH])(
    'change nothing with a form that they send to %s',
    async (path) => {
      const gate = await start({ cookie: { sameSite: 'None' } })
      const client = await bound(gate)
      const page = await client.browser.post(gate.url(path), { jti: 'x' }, { headers: evil })
      expect(page.setCookie).toEqual([])
      expect(page.status).toBeGreaterThanOrEqual(400)
      expect(await isBound(client, gate)).toBe(true)
    },
  )

  test('cannot swap the cookie of a browser for that of their own session', async () => {
    const gate = await start({ cookie: { sameSite: 'None' } })
    const [victim, mallory] = [await bound(gate), createBoundClient(gate.origin)]
    await mallory.signIn(gate.url('/'))
    const Cookie = `${cookieOf(victim, gate, SESSION)}; ${cookieOf(victim, gate, BOUND)}`
    expect(outcome(await mallory.register({ options: { headers: { Cookie } } }))).toEqual([400, []])
  })
})

describe('a registration', () => {
  test('that is replayed renews no cookie', async () => {
    const clock = fakeDate()
    const gate = await start()
    const client = createBoundClient(gate.origin)
    const challenge = offerOf(await client.signIn(gate.url('/')))?.challenge
    const proof = client.device.sign({ jti: challenge }, { jwk: client.device.jwk })
    await client.register({ proof })
    clock.forward(60)
    const replayed = await createBoundClient(gate.origin).browser.post(gate.url(REGISTER), '', {
      headers: { 'Secure-Session-Response': proof },
    })
    expect(outcome(replayed)).toEqual([200, []])
    expect((await client.refresh()).status).toBe(200)
  })

  test('cannot name the session of someone else', async () => {
    const gate = await start()
    const [victim, mallory] = [createBoundClient(gate.origin), createBoundClient(gate.origin)]
    const handle = String(bodyOf(await victim.signIn(gate.url('/'))).oauth?.['sessionHandle'])
    const page = await mallory.signIn(gate.url('/'))
    const own = String(bodyOf(page).oauth?.['sessionHandle'])
    const challenge = offerOf(page)?.challenge ?? ''
    expect(challenge).toContain(own)
    for (const forged of [
      challenge.replace(own, handle),
      challenge.replace(own, `${handle}.${own}`),
      challenge.replace(`.${own}`, ''),
      challenge.replace(own, own.toUpperCase()),
    ])
      expect((await mallory.register({ challenge: forged })).status).toBe(400)
    expect(await isBound(victim, gate)).toBe(false)
    expect(await isBound(mallory, gate)).toBe(false)
  })

  const { jwk } = createDevice()
  const other = createDevice().jwk
  test.each<[string, Record<string, unknown>]>([
    ['a point that is not on the curve', { ...jwk, y: other['y'] }],
    ['coordinates of zeros', { ...jwk, x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['a coordinate that is too long', { ...jwk, x: 'A'.repeat(44) }],
    ['another curve', { ...jwk, crv: 'secp256k1' }],
    ['a symmetric key', { kty: 'oct', k: 'AAAA' }],
    ['an Edwards key', { kty: 'OKP', crv: 'Ed25519', x: jwk['x'] }],
    ['members that are no strings', { kty: 'EC', crv: 'P-256', x: {}, y: [] }],
    ['a URL of a key', { jku: 'https://evil.example/keys' }],
  ])('with %s is rejected', async (_name, key) => {
    const gate = await start()
    const client = createBoundClient(gate.origin)
    await client.signIn(gate.url('/'))
    expect((await client.register({ header: { jwk: key } })).status).toBe(400)
    expect(await isBound(client, gate)).toBe(false)
  })

  test('with an RSA key of 8192 bits, or a proof beyond all limits, is rejected', async () => {
    const gate = await start()
    const client = createBoundClient(gate.origin)
    await client.signIn(gate.url('/'))
    const n = Buffer.alloc(1024, 255).toString('base64url')
    const header = { alg: 'RS256', jwk: { kty: 'RSA', e: 'AQAB', n } }
    expect((await client.register({ header })).status).toBe(400)
    for (const length of [5000, 12_000])
      expect((await client.register({ proof: 'x'.repeat(length) })).status).toBe(400)
    // Beyond the limit of Node for all headers.
    expect((await client.register({ proof: 'x'.repeat(20_000) })).status).toBe(431)
    const body = 'x'.repeat(1_000_000)
    const { status } = await client.browser.post(gate.url(REGISTER), body)
    expect(status).toBe(400)
    expect((await client.register()).status).toBe(200)
  })

  test('that someone on the way suppresses leaves a session that the guard rejects', async () => {
    const clock = fakeDate()
    const gate = await start(
      {},
      { routes: (app, auth) => app.use('/vault', auth.requireAuth({ deviceBound: 'required' })) },
    )
    const client = createBoundClient(gate.origin)
    await client.signIn(gate.url('/vault'))
    clock.forward(31)
    const vault = () => client.browser.get(gate.url('/vault'))
    expect((await vault()).status).toBe(403)
    clock.forward(60)
    expect((await client.register()).status).toBe(400)
    expect((await vault()).status).toBe(403)
  })

  test('of a session in a cookie is offered to no script of the page', async () => {
    const gate = await start({ store: cookieStore() })
    const client = createBoundClient(gate.origin)
    const { browser } = client
    // The jar follows redirects as requests of the same site, other than browsers.
    const headers = { 'Sec-Fetch-Site': 'cross-site' }
    expect(offerOf(await browser.get(gate.url('/'), { headers }))).toBeUndefined()
    const request = async (metadata: Record<string, string>) =>
      offerOf(
        await browser.get(gate.url('/'), {
          headers: { Accept: '*/*', 'Sec-Fetch-Mode': 'no-cors', ...metadata },
          follow: false,
        }),
      )
    const dest = (value: string) => ({ 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Dest': value })
    expect(await request({ ...dest('empty'), 'Sec-Fetch-Mode': 'cors' })).toBeUndefined()
    expect(await request({ ...dest('image'), 'Sec-Fetch-Site': 'same-site' })).toBeUndefined()
    expect(await request({ ...dest('image'), 'Sec-Fetch-Site': 'cross-site' })).toBeUndefined()
    expect(await request(dest('image'))).toBeDefined()
    // Once.
    expect(await request(dest('image'))).toBeUndefined()
  })
})

describe('a renewal', () => {
  test('repeats nothing of a malformed identifier', async () => {
    const gate = await start()
    const client = await bound(gate)
    const [handle = ''] = [client.instructions?.session_identifier]
    for (const identifier of [
      '"',
      `${handle}"; x="y`,
      `${handle}\\`,
      `${handle.slice(1)}ü`,
      ` ${handle}`,
      handle.toUpperCase(),
      'a'.repeat(5000),
      '__proto__',
    ]) {
      const page = await client.browser.post(gate.url(REFRESH), '', {
        headers: { 'Sec-Secure-Session-Id': encodeURI(identifier) },
      })
      expect(page.headers).not.toHaveProperty('secure-session-challenge')
      expect(page.setCookie).toEqual([])
    }
  })

  test('of several proofs in one request is none', async () => {
    const gate = await start()
    const client = await bound(gate)
    const one = client.device.sign({ jti: client.challenge })
    for (const proof of [`${one}", "${one}`, `${one}, ${one}`]) {
      const page = await client.refresh({ proof })
      expect(page.setCookie).toEqual([])
      expect(page.status).toBeGreaterThanOrEqual(400)
    }
  })

  test('counts 30 times in ten minutes, so that no one fills the store with used proofs', async () => {
    const clock = fakeDate()
    const gate = await start()
    const client = await bound(gate)
    for (let count = 0; count < 30; count++) expect((await client.refresh()).status).toBe(200)
    expect(outcome(await client.refresh())).toEqual([429, []])
    expect(await isBound(client, gate)).toBe(true)
    clock.forward(601)
    await client.refresh({ proof: null })
    expect((await client.refresh()).status).toBe(200)
  })

  test('is found by the cookie of this session among others of the same name', async () => {
    const gate = await start()
    const [client, other] = [await bound(gate), await bound(gate)]
    const [own, foreign] = [cookieOf(client, gate, BOUND), cookieOf(other, gate, BOUND)]
    const visit = async (...values: string[]) => {
      const Cookie = [cookieOf(client, gate, SESSION), ...values].join('; ')
      const headers = { Cookie, Accept: '*/*', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }
      return (await createBrowser().get(gate.url('/'), { headers, follow: false })).status
    }
    expect(await visit(foreign, `${BOUND}=x`, own)).toBe(200)
    expect(await visit(foreign, foreign, foreign, foreign, own)).not.toBe(200)
  })
})

describe('whoever copied the session cookie alone learns nothing about the user', () => {
  test('at the login, and at a logout that leads to the provider', async () => {
    const gate = await start({ logout: { endProviderSession: true } })
    const client = await bound(gate)
    const Cookie = cookieOf(client, gate, SESSION)
    const leak = new RegExp(`id_token_hint|login_hint|${String(vendor.user.email)}`)
    const thief = createBrowser()
    const login = await thief.get(gate.url('/'), { headers: { Cookie }, follow: false })
    expect(login.location).toContain(vendor.origin)
    expect(decodeURIComponent(String(login.location))).not.toMatch(leak)
    const headers = { Cookie, 'Sec-Fetch-Site': 'none' }
    const logout = await thief.get(gate.url('/auth/logout'), { headers, follow: false })
    expect(logout.location).toContain(vendor.origin)
    expect(decodeURIComponent(String(logout.location))).not.toMatch(leak)
  })

  test('while the user signs out at the provider without being asked', async () => {
    const gate = await start({ logout: { endProviderSession: true } })
    const client = await bound(gate)
    const page = await client.browser.get(gate.url('/auth/logout'), {
      headers: { 'Sec-Fetch-Site': 'none' },
      follow: false,
    })
    expect(page.location).toContain('id_token_hint=')
  })
})
