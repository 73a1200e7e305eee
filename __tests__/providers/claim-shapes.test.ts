import { afterEach, describe, expect, test } from '@jest/globals'
import { startGate, stopAll } from '../support/gate.js'
import {
  expectDenied,
  gateOf,
  logIn,
  providerOf,
  refusal,
  requestsTo,
  setUp,
  startVendor,
} from '../support/providers.js'

afterEach(stopAll)

const warnings = (logged: readonly string[]) => logged.filter((line) => line.startsWith('warn '))

describe('groups', () => {
  test.each<[string, Record<string, unknown>, string | undefined, string]>([
    ['a string', { groups: 'staff' }, undefined, 'staff'],
    ['numbers', { groups: [1001, 1002] }, undefined, '1002'],
    ['a number', { groups: 1001 }, undefined, '1001'],
    ['a path', { realm_access: { roles: ['x', 'staff'] } }, 'realm_access.roles', 'staff'],
    ['a long path', { a: { 'my-app': { roles: 'staff' } } }, 'a.my-app.roles', 'staff'],
    ['a name with dots', { 'https://a.example/g': ['staff'] }, 'https://a.example/g', 'staff'],
    ['a path with dots', { 'https://a.example': { g: 'staff' } }, 'https://a.example.g', 'staff'],
    ['an entry of an array', { orgs: [{ roles: ['staff'] }] }, 'orgs.0.roles', 'staff'],
    ['some strings', { groups: ['staff', { name: 'x' }] }, undefined, 'staff'],
  ])('A8 may be %s: %j', async (_, claims, groupsClaim, group) => {
    const { vendor, gate } = await setUp('oidc', { groups: [group], groupsClaim })
    vendor.user.claims = { groups: undefined, ...claims }
    expect((await logIn({ gate })).user).toMatchObject({ groups: [group] })
  })

  test.each<[unknown, string | undefined, string]>([
    [[{ name: 'staff' }], undefined, `the claim 'groups' is an array with an object`],
    [{ staff: true }, undefined, `the claim 'groups' is an object`],
    [true, undefined, `the claim 'groups' is a boolean`],
    [[['staff']], undefined, `the claim 'groups' is an array with an array`],
    [[1.5], undefined, `the claim 'groups' is an array with a number`],
    [undefined, undefined, `no claim 'groups'`],
    [null, undefined, `no claim 'groups'`],
    [['staff'], 'groups.constructor.name', `no claim 'groups.constructor.name'`],
    [['staff'], 'groups.length', `no claim 'groups.length'`],
  ])('A8 %j at %s: one warning', async (value, groupsClaim, message) => {
    const { vendor, gate } = await setUp('oidc', {
      groups: ['staff', '1', 'Array', 'true'],
      groupsClaim,
    })
    vendor.user.claims = { groups: value }
    expectDenied(await logIn({ gate }))
    expectDenied(await logIn({ gate }))
    expect(warnings(gate.logged)).toHaveLength(1)
    expect(warnings(gate.logged)[0]).toMatch(new RegExp(`^warn ${message}`))
  })

  test.each<Record<string, unknown>>([
    { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://a' } } },
    { hasgroups: true },
  ])('A8 an overage at a generic server is named: %j', async (claims) => {
    const { vendor, gate } = await setUp('oidc', { groups: ['staff'] })
    vendor.user.claims = { groups: undefined, ...claims }
    expectDenied(await logIn({ gate }))
    expect(warnings(gate.logged).join()).toMatch(/'groups' .*overage.* provider microsoft/)
  })

  test('A8 GitLab: one group as a string', async () => {
    const { vendor, gate } = await setUp('gitlab', { groups: ['Acme'] })
    vendor.user.claims = { groups: 'acme' }
    expect((await logIn({ gate })).user).toMatchObject({ groups: ['Acme'] })
  })
})

describe('claims', () => {
  test('A8 may be at a path, and numbers count as strings', async () => {
    const claims = { id: 'account.no', email: 'emails.0', username: 'employee', name: 'a.b' }
    const { vendor, gate } = await setUp('oidc', { claims })
    vendor.user.claims = {
      account: { no: 4711 },
      emails: ['ada@acme.example'],
      employee: 42,
      'a.b': 'Ada',
    }
    expect((await logIn({ gate })).user).toMatchObject({
      id: '4711',
      email: 'ada@acme.example',
      username: '42',
      name: 'Ada',
    })
  })

  test('A8 of another shape cause one warning', async () => {
    const { vendor, gate } = await setUp('oidc', { claims: { email: 'emails' } })
    vendor.user.claims = { emails: ['ada@acme.example'] }
    expect((await logIn({ gate })).user).not.toHaveProperty('email')
    expect((await logIn({ gate })).status).toBe(200)
    expect(warnings(gate.logged)).toEqual([
      `warn the claim 'emails' is an array: claims.email needs a string; 'emails.0' is the first entry {"provider":"oidc"}`,
    ])
  })
})

describe('groups of Microsoft', () => {
  const id = (number: number) => `2d5f3b0a-6f0e-4b0a-9a57-${String(number).padStart(12, '0')}`
  const many = Array.from({ length: 250 }, (_, index) => id(index))
  const overage = { settings: { groupsOverage: true } }

  test('A8 are object IDs in the token', async () => {
    const { vendor, gate } = await setUp('microsoft', { groups: [id(7).toUpperCase(), id(999)] })
    vendor.user.groups = [id(7)]
    const { user, authorization } = await logIn({ gate })
    expect(user).toMatchObject({ groups: [id(7)] })
    expect(authorization.get('scope')).toContain('User.Read')
    expect(requestsTo(vendor, 'groups')).toEqual([])
    expectDenied(await logIn({ gate: await gateOf(vendor, { groups: [id(8)] }) }))
  })

  test('A8 are read from Graph if there are too many', async () => {
    const { vendor, gate } = await setUp('microsoft', { groups: [id(249)] }, overage)
    vendor.user.groups = many
    expect((await logIn({ gate })).user).toMatchObject({ groups: [id(249)] })
    expect(requestsTo(vendor, 'groups')).toHaveLength(3)
    expectDenied(await logIn({ gate: await gateOf(vendor, { groups: [id(250)] }) }))
  })

  test('A8 if Graph is down, the result is down unless a page proves the rule', async () => {
    const { vendor, gate } = await setUp('microsoft', { groups: [id(1)] }, overage)
    vendor.user.groups = many
    vendor.respond('groups', ({ query }) => (query.has('$skiptoken') ? { status: 503 } : undefined))
    expect((await logIn({ gate })).status).toBe(200)
    const last = await gateOf(vendor, { groups: [id(249)] })
    expect(await logIn({ gate: last })).toMatchObject({ status: 502, code: 'provider_error' })
    vendor.respond('groups', { status: 403, body: { error: { code: 'Authorization_Denied' } } })
    expectDenied(await logIn({ gate: last }))
    expect(warnings(last.logged).join()).toMatch(/memberships cannot be read: .*status 403/)
  })

  test('A8 the token is not sent to another origin', async () => {
    const { vendor, gate } = await setUp('microsoft', { groups: [id(249)] }, overage)
    vendor.user.groups = many
    const { origin } = await startVendor('oidc')
    vendor.settings.nextPageOrigin = origin
    expectDenied(await logIn({ gate }))
    expect(requestsTo(vendor, 'groups')).toHaveLength(1)
  })

  test('A8 a guard reads them as well', async () => {
    const vendor = await startVendor('microsoft', overage)
    vendor.user.groups = many
    const gate = await startGate(
      { provider: providerOf(vendor) },
      { routes: (app, auth) => void app.use('/g', auth.requireAuth({ groups: [id(249)] })) },
    )
    expect((await logIn({ gate }, '/g')).status).toBe(200)
  })

  test('A8 names of groups are rejected', () => {
    const groups = ['staff']
    expect(refusal({ microsoft: { clientId: 'a', clientSecret: 'b', groups } })).toMatch(
      /microsoft\.groups has an entry that is not an object ID/,
    )
  })
})
