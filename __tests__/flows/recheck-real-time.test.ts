import { afterAll, expect, test } from '@jest/globals'
import { oidcProvider } from '../../src/index.js'
import { startVendor } from '../../src/dev/vendors/index.js'
import { gateOf, logIn, startVendor as startStoppingVendor } from '../support/providers.js'
import { bodyOf, oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { startOidcProvider } from '../support/oidc.js'
import { program } from '../support/recheck.js'

afterAll(stopAll)

// These tests mostly wait: they run at the same time.
const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

test.concurrent(
  'with oidc-provider, which rotates refresh tokens and revokes the grant when one is reused',
  async () => {
    const oidc = stopping(
      await startOidcProvider({
        loginAs: 'alice',
        rotateRefreshTokens: true,
        refreshTokens: 'always',
        lifetimes: { accessToken: 2 },
      }),
    )
    const provider = oidcProvider({
      issuer: oidc.issuer,
      clientId: 'app',
      clientSecret: 'app-secret-app-secret',
      emailDomains: ['example.com'],
      offlineAccess: false,
    })
    const gate = await startGate({
      provider: { idp: provider },
      authCheckInterval: 1,
      timeouts: { provider: 5 },
    })
    await oidc.setClient({
      client_id: 'app',
      client_secret: 'app-secret-app-secret',
      redirect_uris: [gate.url('/auth/callback')],
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['authorization_code', 'refresh_token'],
    })
    const browser = createBrowser()
    const visit = (headers = {}) => browser.get(gate.url('/'), { follow: false, headers })
    expect((await browser.get(gate.url('/'))).status).toBe(200)
    await oidc.takeRequests()
    for (let round = 0; round < 3; round++) {
      await sleep(1.1)
      const pages = await Promise.all(Array.from({ length: 20 }, () => visit()))
      expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
      const paths = (await oidc.takeRequests()).map(({ path }) => path)
      expect(paths).toEqual(['/token', '/me'])
    }
    // A program, on the other hand, learns that the user is gone, or may not come in.
    await oidc.setAccount({
      sub: 'alice',
      name: 'Alice',
      email: 'alice@elsewhere.example',
      email_verified: true,
    })
    await sleep(1.1)
    expect((await visit(program)).status).toBe(403)
    await oidc.setAccount({
      sub: 'alice',
      name: 'Alice',
      email: 'alice@example.com',
      email_verified: true,
    })
    await sleep(5.1)
    expect((await visit()).status).toBe(200)
    await oidc.revokeTokens('alice')
    await sleep(1.1)
    expect((await visit(program)).status).toBe(401)
    expect((await oidc.takeErrors()).filter((line) => !/grant/i.test(line))).toEqual([])
  },
  40_000,
)

test.concurrent('the grace period, in real seconds', async () => {
  const vendor = await startStoppingVendor('oidc')
  const gate = await gateOf(vendor, {}, { authCheckInterval: 1, authCheckGrace: 2 })
  const browser = createBrowser()
  await logIn({ gate, browser })
  vendor.respond('userinfo', { status: 500 })
  await sleep(1.1)
  expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(200)
  await sleep(2)
  expect((await browser.get(gate.url('/'), { follow: false })).status).toBe(503)
})

test.concurrent('inactivity timeout and maximum duration, in real seconds', async () => {
  const vendor = stopping(await startVendor('oidc'))
  const gate = await startGate({
    provider: { oidc: oidcOf(vendor) },
    inactivityTimeout: 4,
    maximumDuration: 12,
  })
  const browser = createBrowser()
  await browser.get(gate.url('/'))
  for (let turn = 0; turn < 4; turn++) {
    await sleep(2.4)
    expect((await browser.get(gate.url('/'), { headers: program })).status).toBe(200)
  }
  await sleep(2.5)
  expect((await browser.get(gate.url('/'), { headers: program })).status).toBe(401)
  await browser.get(gate.url('/'))
  expect(bodyOf(await browser.get(gate.url('/'))).user).not.toBeNull()
  await sleep(4.2)
  expect((await browser.get(gate.url('/'), { headers: program })).status).toBe(401)
})
