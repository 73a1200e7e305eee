import { afterEach, describe, expect, test } from '@jest/globals'
import type { Express } from 'express'
import { type OAuthMiddleware, oidcProvider } from '../../src/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { secret, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { logIn, providerOf, requestsTo, setUp, startVendor } from '../support/providers.js'

afterEach(async () => {
  realDate()
  await stopAll()
})

describe('claims under other names', () => {
  test('are read from the configured names', async () => {
    const { vendor, gate } = await setUp('oidc', {
      claims: { username: 'upn', emailVerified: 'mail_ok', email: 'mail' },
      emailDomains: ['corp.example'],
    })
    vendor.user.claims = {
      upn: 'ada@staff',
      mail: 'ada@corp.example',
      mail_ok: true,
      email: 'ada@elsewhere.example',
      email_verified: false,
    }
    expect((await logIn({ gate })).user).toMatchObject({
      username: 'ada@staff',
      email: 'ada@corp.example',
      emailVerified: true,
    })
  })

  test('that are missing do not fall back to the standard name', async () => {
    const { vendor, gate } = await setUp('oidc', {
      claims: { email: 'mail' },
      emailDomains: ['corp.example'],
    })
    vendor.user.claims = { email: 'ada@corp.example', email_verified: true }
    expect((await logIn({ gate })).status).toBe(403)
  })

  test.each<unknown>([
    { nickname: 'x' },
    { constructor: 'x' },
    { email: '' },
    { email: 5 },
    'email',
  ])('reject %j', async (claims) => {
    const { gate } = await setUp('oidc')
    const provider = {
      oidc: oidcProvider({
        issuer: gate.origin,
        clientId: 'a',
        clientSecret: 'b',
        claims: claims as never,
      }),
    }
    expect(() => gate.middleware.reconfigure({ provider, secret })).toThrow(
      /provider\.oidc\.claims/,
    )
  })
})

describe('a provider with groups only in the ID token', () => {
  async function loggedIn(settings: object) {
    const clock = fakeDate()
    const setting = await setUp(
      'oidc',
      { groups: ['staff'] },
      { settings },
      { authCheckInterval: 30, authCheckEarly: false },
    )
    const { vendor } = setting
    vendor.claims({ groups: ['staff'] })
    vendor.respond('userinfo', () => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sub: String(vendor.user.id) }),
    }))
    expect((await logIn(setting)).user['groups']).toEqual(['staff'])
    return { ...setting, clock }
  }

  test('is asked for a new one before a user is denied', async () => {
    const { vendor, gate, browser, clock } = await loggedIn({})
    clock.forward(31)
    const page = await browser.get(gate.url('/'))
    expect(page.status).toBe(200)
    expect(requestsTo(vendor, 'token')).toHaveLength(2)
  })

  test('denies when the new one has no groups either', async () => {
    const { vendor, gate, browser, clock } = await loggedIn({})
    vendor.claims({ groups: [] })
    clock.forward(31)
    expect((await browser.get(gate.url('/'))).status).toBe(403)
  })

  test('is asked for a new one before a route that requires groups denies, even if the gate has no rules', async () => {
    const clock = fakeDate()
    const vendor = await startVendor('oidc')
    vendor.claims({ groups: ['staff'] })
    vendor.respond('userinfo', () => ({ body: { sub: String(vendor.user.id) } }))
    const routes = (app: Express, middleware: OAuthMiddleware) =>
      app.get(
        '/staff',
        middleware.requireAuth({ groups: ['staff'] }),
        (_, res) => void res.send('staff'),
      )
    const gate = await startGate(
      { provider: providerOf(vendor), authCheckInterval: 30, authCheckEarly: false },
      { routes },
    )
    const browser = createBrowser()
    expect((await browser.get(gate.url('/staff'))).status).toBe(200)
    clock.forward(31)
    expect((await browser.get(gate.url('/staff'), { follow: false })).status).toBe(200)
    vendor.claims({ groups: [] })
    clock.forward(31)
    expect((await browser.get(gate.url('/staff'), { follow: false })).status).toBe(403)
  })
})
