import { afterEach, describe, expect, test } from '@jest/globals'
import type { OAuthModuleOptions } from '../../src/index.js'
import { oidcOf, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { startVendor } from '../support/providers.js'

afterEach(async () => {
  process.env['NODE_ENV'] = 'test'
  await stopAll()
})

/** The page of a login with a wrong client secret. */
async function failedLogin(
  options: Partial<OAuthModuleOptions> = {},
  headers: Record<string, string> = {},
) {
  const vendor = await startVendor('oidc')
  const provider = { idp: oidcOf(vendor, { clientSecret: 'wrong' }) }
  const gate = await startGate({ provider, ...options })
  return (await createBrowser().get(gate.url('/'), { headers })).body
}

const hint = 'check clientId and clientSecret'

describe('the hint for the owner on error pages', () => {
  test('is shown in development: the host is loopback, and no proxy is in front', async () => {
    expect(await failedLogin()).toContain(hint)
  })

  test('is not shown in production', async () => {
    process.env['NODE_ENV'] = 'production'
    expect(await failedLogin()).not.toContain(hint)
  })

  test.each(['Forwarded', 'Via', 'X-Forwarded-For', 'X-Forwarded-Proto', 'x-forwarded-anything'])(
    'is not shown behind a proxy that sends %s',
    async (name) => {
      const body = await failedLogin({}, { [name]: 'http' })
      expect(body).toContain('misconfigured')
      expect(body).not.toContain(hint)
    },
  )

  test('is not shown on another host', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate({ provider: { idp: oidcOf(vendor) } })
    const open = (headers: Record<string, string>) =>
      createBrowser().get(gate.url('/auth/none'), { headers })
    expect((await open({})).body).toContain('Only in development')
    for (const Host of ['app.example', '10.0.0.1', 'localhost.example'])
      expect((await open({ Host })).body).not.toContain('Only in development')
  })

  test('is not shown with a public baseUrl', async () => {
    const baseUrl = 'https://app.example'
    const vendor = await startVendor('oidc')
    await vendor.close()
    const gate = await startGate({ provider: { idp: oidcOf(vendor) }, baseUrl })
    const page = await createBrowser().get(gate.url('/auth/authn'), {
      headers: { Host: 'app.example' },
    })
    expect(page.body).toContain('provider_unreachable')
    expect(page.body).not.toContain('Only in development')
    const local = await createBrowser().get(gate.url('/auth/callback?code=1&state=2'))
    expect(local.body).not.toContain('Only in development')
  })

  test('names the lists that were tried on the page of a denied user', async () => {
    const vendor = await startVendor('oidc')
    const idp = oidcOf(vendor, { emailDomains: ['elsewhere.example'], groups: ['staff'] })
    const gate = await startGate({ provider: { idp } })
    const { body } = await createBrowser().get(gate.url('/'))
    expect(body).toContain('no entry of emailDomains, groups matches the user')
    const custom = await startGate({ provider: { idp: oidcOf(vendor) }, authorize: () => false })
    expect((await createBrowser().get(custom.url('/'))).body).toContain('authorize returned false')
  })

  test('is passed to a custom page', async () => {
    const pages = { error: ({ hint }: { hint?: string | undefined }) => `custom: ${hint}` }
    expect(await failedLogin({ pages })).toContain(`custom: the token endpoint`)
  })

  test('is not part of JSON', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate({ provider: { idp: oidcOf(vendor) } })
    const page = await createBrowser().get(gate.url('/auth/none'), {
      headers: { Accept: 'application/json', 'Sec-Fetch-Mode': 'cors' },
    })
    expect(JSON.parse(page.body)).toMatchObject({ error: 'not_found' })
    expect(page.body).not.toContain('hint')
  })
})
