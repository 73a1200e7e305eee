import { afterEach, describe, expect, test } from '@jest/globals'
import type { VendorName } from '../../src/dev/vendors/index.js'
import { bodyOf, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import {
  expectDenied,
  logIn,
  providerOf,
  refusal,
  setUp,
  startVendor,
} from '../support/providers.js'

afterEach(stopAll)

const home = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const emailDomains = ['acme.example']
const oneTenant = { settings: { tenant: home } }
const noEmail = 'no email in the claims'

describe('accounts of Microsoft without a mailbox', () => {
  test.each(['upn', 'preferred_username'])(
    'A12 `emailClaim: %s` has the address',
    async (emailClaim) => {
      const { vendor, gate } = await setUp('microsoft', { emailDomains, emailClaim }, oneTenant)
      Object.assign(vendor.user, { email: undefined, claims: { upn: 'mara@acme.example' } })
      const { seen } = await logIn({ gate })
      expect(seen.user).toMatchObject({ email: 'mara@acme.example', emailVerified: true })
      expect(seen.headers['ngrok-auth-user-email']).toBe('mara@acme.example')
    },
  )

  test('A12 the mailbox takes precedence', async () => {
    const { vendor, gate } = await setUp('microsoft', { emailClaim: 'upn' }, oneTenant)
    vendor.user.claims = { upn: 'other@corp.example' }
    expect((await logIn({ gate })).user).toMatchObject({ email: 'mara@acme.example' })
  })

  test.each<[string, unknown]>([
    ['a guest', 'eve_home.example#EXT#@acme.example'],
    ['a phone number', '+15551234567'],
    ['no string', ['mara@acme.example']],
    ['missing', undefined],
  ])('A12 %s is not an address', async (_, upn) => {
    const { vendor, gate } = await setUp(
      'microsoft',
      { emailDomains, emailClaim: 'upn' },
      oneTenant,
    )
    Object.assign(vendor.user, { email: undefined, claims: { upn } })
    expectDenied(await logIn({ gate }))
    expect(gate.logged.join('\n')).toContain(`warn ${noEmail}`)
  })

  test('A12 `verifiedEmailClaim` does not verify another claim', async () => {
    const options = { emailDomains, emailClaim: 'upn', verifiedEmailClaim: 'xms_edov' }
    const { vendor, gate } = await setUp('microsoft', options)
    const claims = { upn: 'ceo@acme.example', xms_edov: true }
    Object.assign(vendor.user, { email: undefined, claims })
    expect(await logIn({ gate })).toMatchObject({ status: 403, code: 'email_unverified' })
    const several = { clientId: 'a', clientSecret: 'b', emailDomains, emailClaim: 'upn' }
    expect(refusal({ microsoft: several })).toMatch(/microsoft\.emailDomains cannot be met/)
  })
})

describe('a rule on email addresses without an address', () => {
  test.each<[VendorName, object]>([
    ['oidc', { email: undefined }],
    ['microsoft', { email: undefined }],
    ['google', { email: undefined }],
    ['gitlab', { email: undefined }],
    ['facebook', { email: undefined }],
    ['github', { email: undefined, emails: [] }],
    ['oauth2', { email: undefined }],
  ])('A12 %s: one line names the reason', async (name, user) => {
    const { vendor, gate } = await setUp(name, { emailDomains, trustEmail: true })
    Object.assign(vendor.user, user)
    expectDenied(await logIn({ gate }))
    expectDenied(await logIn({ gate }))
    const lines = gate.logged.filter((line) => line.startsWith(`warn ${noEmail}`))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(`{"provider":"${name}"}`)
  })

  test('A12 an address that no rule can match is named, and not quoted', async () => {
    const { vendor, gate } = await setUp('oidc', { emailDomains })
    vendor.user.email = 'ida at acme'
    expectDenied(await logIn({ gate }))
    expect(gate.logged.join('\n')).toContain('warn the email in the claims is not an address')
    expect(gate.logged.join('\n')).not.toContain('ida at acme')
  })

  test('A12 no line if another list is met, or if no rule needs an address', async () => {
    const vendor = await startVendor('oidc')
    vendor.user.email = undefined
    for (const rules of [{ groups: ['staff'], scopes: ['groups'], emailDomains }, {}]) {
      const gate = await startGate({ provider: providerOf(vendor, rules) })
      expect((await logIn({ gate })).status).toBe(200)
      expect(gate.logged.join('\n')).not.toContain(noEmail)
    }
  })

  test('A12 the event and a guard have the hint as well', async () => {
    const vendor = await startVendor('oidc')
    vendor.user.email = undefined
    const gate = await startGate(
      { provider: providerOf(vendor) },
      { routes: (app, auth) => void app.use('/g', auth.requireAuth({ emailDomains })) },
    )
    const page = await createBrowser().get(gate.url('/g'))
    expect(page.status).toBe(403)
    expect(gate.logged.join('\n')).toContain(noEmail)
    const user = { ...bodyOf(await createBrowser().get(gate.url('/'))).user, provider: 'oidc' }
    const strict = await startGate({ provider: providerOf(vendor, { emailDomains }) })
    expect(strict.middleware.explain(user as never)).toMatchObject({
      isAllowed: false,
      hint: expect.stringContaining(noEmail),
    })
  })
})
