import { afterEach, describe, expect, test } from '@jest/globals'
import { authorizationOf, stopAll } from '../support/gate.js'
import {
  expectDenied,
  gateOf,
  logIn,
  requestsTo,
  setUp,
  startVendor,
} from '../support/providers.js'

afterEach(stopAll)

test.each(['', '/'])(
  'GL-3: the path of a self-managed GitLab is kept (%j at its end)',
  async (end) => {
    const vendor = await startVendor('gitlab', { settings: { basePath: '/code/gitlab' } })
    const gate = await gateOf(vendor, { baseUrl: `${vendor.origin}/code/gitlab${end}` })
    expect((await logIn({ gate })).user).toMatchObject({ username: 'tanuki' })
    expect(vendor.requests.length).toBeGreaterThan(3)
    for (const { url } of vendor.requests) expect(url).toMatch(/^\/code\/gitlab\/oauth\//)
  },
)

describe('groups', () => {
  test('GL-4: inherited memberships count: userinfo lists them, the ID token does not', async () => {
    const { vendor, gate } = await setUp('gitlab', { groups: ['acme/sub', 'acme'] })
    vendor.user.groups = ['acme', 'acme/sub']
    vendor.user.directGroups = ['acme']
    expect((await logIn({ gate })).user).toMatchObject({
      groups: expect.arrayContaining(['acme/sub', 'acme']),
    })
  })

  test('GL-4: groups only in the ID token are ignored', async () => {
    const { vendor, gate } = await setUp('gitlab', { groups: ['acme'] })
    vendor.user.groups = []
    vendor.user.directGroups = ['acme']
    expectDenied(await logIn({ gate }))
  })

  test.each([
    ['acme', ['acme-evil', 'acmes', 'evil/acme', 'acme/sub']],
    ['acme/secret', ['acme', 'acme/secret-2', 'acme/secret/deeper']],
  ])('GL-5: %s does not match %j', async (group, groups) => {
    const { vendor, gate } = await setUp('gitlab', { groups: [group] })
    vendor.user.groups = groups
    expectDenied(await logIn({ gate }))
  })

  test('GL-5: groups are compared case-insensitively', async () => {
    const { vendor, gate } = await setUp('gitlab', { groups: ['Acme/Platform'] })
    vendor.user.groups = ['acme/PLATFORM']
    expect((await logIn({ gate })).user).toMatchObject({ groups: ['Acme/Platform'] })
  })

  test('GL-7: a failed userinfo request does not count as no groups', async () => {
    const { vendor, gate } = await setUp('gitlab', { groups: ['acme'] })
    vendor.respond('userinfo', { status: 500 })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
  })

  test('GL-10: 429 without Retry-After does not count as a denial', async () => {
    const { vendor, gate } = await setUp('gitlab', { groups: ['acme'] })
    vendor.settings.throttled = true
    expect(await logIn({ gate })).toMatchObject({ status: 503, code: 'provider_busy' })
  })
})

describe('claims', () => {
  test.each([
    ['unverified', { email_verified: false }],
    ['of unknown standing', { email_verified: undefined }],
    ['missing', { email: undefined, email_verified: undefined }],
  ])('GL-6: an email that is %s matches no rule', async (_, claims) => {
    const { vendor, gate } = await setUp('gitlab', { emailDomains: ['acme.example'] })
    vendor.user.claims = claims
    expect((await logIn({ gate })).status).toBe(403)
  })

  test('GL-9: a numeric sub is rejected, in the ID token and in userinfo', async () => {
    const { vendor, gate } = await setUp('gitlab')
    vendor.claims({ sub: 4711 }, { once: true })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
    vendor.respond('userinfo', { body: { sub: 4711 } }, { once: true })
    expect(await logIn({ gate })).toMatchObject({ status: 502, code: 'provider_error' })
    expect((await logIn({ gate })).user).toMatchObject({ id: '4711' })
  })
})

test('/auth/authn forces a new login, and accepts it only with a recent auth_time', async () => {
  const { vendor, gate, browser } = await setUp('gitlab')
  await logIn({ gate, browser })
  const page = await browser.get(gate.url('/auth/authn'), { follow: false })
  expect(Object.fromEntries(authorizationOf(page))).toMatchObject({ prompt: 'login', max_age: '0' })
  expect((await browser.get(page.location ?? '')).status).toBe(200)
  vendor.settings.ignoreReauthentication = true
  vendor.claims({ auth_time: Math.floor(Date.now() / 1000) - 3600 })
  expect((await browser.get(gate.url('/auth/authn'))).status).toBe(502)
  expect(requestsTo(vendor, 'discovery')).toEqual([])
})
