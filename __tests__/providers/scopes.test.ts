import { afterEach, describe, expect, test } from '@jest/globals'
import type { VendorName } from '../../src/dev/vendors/index.js'
import { startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { gateOf, logIn, providerOf, refusal, setUp, startVendor } from '../support/providers.js'

afterEach(stopAll)

const graph = 'https://graph.microsoft.com'
const denied = { status: 403, code: 'access_denied' }

describe('configured scopes', () => {
  test.each([
    [['offline_access']],
    [['user.read']],
    [[`${graph}/User.Read`]],
    [['HTTPS://Graph.Microsoft.com/mail.read', 'Calendars.Read']],
    [['api://4711/access_as_user']],
  ])('A1 Microsoft returns %j in another spelling, or not at all', async (scopes) => {
    const { vendor, gate } = await setUp('microsoft', { scopes })
    vendor.settings.unlistedScopes = ['api://4711/access_as_user']
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('A1 `req.oauth.scopes` has the configured spelling as well', async () => {
    const scopes = ['offline_access', `${graph}/User.Read`]
    const { gate } = await setUp('microsoft', { scopes })
    expect((await logIn({ gate })).seen.oauth).toMatchObject({
      scopes: expect.arrayContaining([...scopes, 'User.Read', 'openid']),
    })
  })

  test.each<VendorName>(['oidc', 'oauth2', 'microsoft'])(
    'A1 %s leaves out a scope: a debug line, and no rejection',
    async (name) => {
      const { vendor, gate } = await setUp(name, { scopes: ['profile', 'calendar'] })
      vendor.settings.unlistedScopes = ['calendar']
      vendor.settings.grantedScopes = ['openid', 'profile', 'email']
      expect((await logIn({ gate })).status).toBe(200)
      expect(gate.logged.filter((line) => line.includes('does not list'))).toEqual([
        `debug the token response does not list all configured scopes {"provider":"${name}","unlisted":["calendar"]}`,
      ])
    },
  )

  test.each<[VendorName, string, string[]]>([
    ['github', 'repo', ['read:user', 'user:email']],
    ['google', 'https://www.googleapis.com/auth/calendar', ['openid', 'email', 'profile']],
    ['gitlab', 'read_api', ['openid', 'email', 'profile']],
    ['twitch', 'bits:read', ['openid', 'user:read:email']],
  ])('A1 %s reports what it granted: a login without %s is rejected', async (name, scope, rest) => {
    const { vendor, gate } = await setUp(name, { scopes: [scope] })
    vendor.settings.grantedScopes = rest
    expect(await logIn({ gate })).toMatchObject(denied)
    expect(gate.logged.join()).toContain(`not granted: ${scope}. List scopes`)
    const optional = await gateOf(vendor, { optionalScopes: [scope] })
    const { authorization, seen } = await logIn({ gate: optional })
    expect(authorization.get('scope')?.split(' ')).toContain(scope)
    expect(seen.oauth?.['scopes']).not.toContain(scope)
  })

  test('A1 Facebook reports a declined permission by its API', async () => {
    const { vendor, gate } = await setUp('facebook', { scopes: ['user_birthday'] })
    vendor.user.declined = ['user_birthday']
    expect(await logIn({ gate })).toMatchObject(denied)
    const optional = await gateOf(vendor, { optionalScopes: ['user_birthday'] })
    expect((await logIn({ gate: optional })).status).toBe(200)
  })

  test.each<[VendorName, string[], string[]]>([
    ['github', ['user', 'user:email'], ['user']],
    ['github', ['Read:User'], ['read:user']],
    ['github', ['read:org'], ['admin:org']],
    ['github', ['read:public_key'], ['admin:public_key']],
    ['github', ['read:packages', 'read:project'], ['write:packages', 'project']],
    ['google', ['https://www.googleapis.com/auth/userinfo.email'], ['openid', 'email']],
    ['google', ['https://mail.google.com'], ['openid', 'email', 'https://mail.google.com/']],
    ['gitlab', ['read_user'], ['openid', 'email', 'profile', 'api']],
  ])('A1 %s: %j is granted by %j', async (name, scopes, grantedScopes) => {
    const { vendor, gate } = await setUp(name, { scopes })
    vendor.respond('authorize', ({ url }) => {
      const { searchParams } = new URL(url, vendor.origin)
      // The simulation grants only requested scopes; the vendor may have granted more before.
      if (grantedScopes.every((scope) => searchParams.get('scope')?.split(' ').includes(scope)))
        return undefined
      searchParams.set('scope', grantedScopes.join(' '))
      const path = url.split('?')[0] ?? ''
      return { status: 302, headers: { location: `${vendor.origin}${path}?${searchParams}` } }
    })
    expect((await logIn({ gate })).status).toBe(200)
  })

  test('A1 a GitHub App has permissions instead of scopes', async () => {
    const { gate } = await setUp('github', { scopes: ['repo'] }, { settings: { githubApp: true } })
    expect((await logIn({ gate })).status).toBe(200)
  })
})

describe('scopes of a guard', () => {
  const guarded = async (name: VendorName, scopes: string[], unlistedScopes: string[] = []) => {
    const vendor = await startVendor(name, { settings: { unlistedScopes } })
    const routes: Parameters<typeof startGate>[1] = {
      routes: (app, auth) => void app.use('/guarded', auth.requireAuth({ scopes })),
    }
    const gate = await startGate({ provider: providerOf(vendor) }, routes)
    return logIn({ gate, browser: createBrowser() }, '/guarded')
  }

  test.each([[['user.read']], [[`${graph}/User.Read`]], [['offline_access']]])(
    'A1 %j is met in the spelling of Microsoft',
    async (scopes) => {
      expect((await guarded('microsoft', scopes)).status).toBe(200)
    },
  )

  test('A1 are always required, also by a generic server', async () => {
    expect(await guarded('oidc', ['calendar'], ['calendar'])).toMatchObject(denied)
    expect((await guarded('oidc', ['calendar'])).status).toBe(200)
  })
})

test('A1 a scope is either required or optional, and a managed application takes neither', async () => {
  const vendor = await startVendor('oidc')
  const both = { scopes: ['a', 'b'], optionalScopes: ['b'] }
  expect(refusal(providerOf(vendor, both))).toMatch(/oidc\.optionalScopes contains an entry of/)
  process.env['OAUTH_MODULE_GITHUB_CLIENT_ID'] = 'a'
  process.env['OAUTH_MODULE_GITHUB_CLIENT_SECRET'] = 'b'
  try {
    expect(refusal({ github: { optionalScopes: ['repo'] } })).toMatch(/github\.optionalScopes/)
  } finally {
    delete process.env['OAUTH_MODULE_GITHUB_CLIENT_ID']
    delete process.env['OAUTH_MODULE_GITHUB_CLIENT_SECRET']
  }
})

describe('defaultScopes', () => {
  test('replace the scopes of the vendor, and scopes and rules add to them', async () => {
    const scopesOf = async (name: VendorName, more: object) => {
      const vendor = await startVendor(name)
      return (await logIn({ gate: await gateOf(vendor, { ...more }) })).authorization
        .get('scope')
        ?.split(' ')
    }
    expect(await scopesOf('oidc', {})).toEqual(['openid', 'profile', 'email'])
    expect(await scopesOf('oidc', { defaultScopes: ['openid'] })).toEqual(['openid'])
    expect(
      await scopesOf('oidc', { defaultScopes: ['openid', 'groups'], scopes: ['calendar'] }),
    ).toEqual(['openid', 'groups', 'calendar'])
    expect(
      await scopesOf('github', { defaultScopes: ['read:user'], organizations: ['acme'] }),
    ).toEqual(['read:user', 'read:org'])
  })

  test('without openid, or for a managed application, throw', async () => {
    const vendor = await startVendor('oidc')
    await expect(gateOf(vendor, { defaultScopes: ['profile'] })).rejects.toThrow(
      /provider\.oidc\.defaultScopes must contain openid/,
    )
    const provider = { github: { defaultScopes: ['read:user'] } }
    await expect(startGate({ provider })).rejects.toThrow(
      /provider\.github\.(?:clientId is missing|defaultScopes cannot be set)/,
    )
  })
})
