// The logout tests of the OpenID Foundation's conformance suite for relying parties, by the names of its modules.
// docs/certification.md lists them.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, stopAll } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import { type LogoutTokens, startLogoutTokens } from '../support/logout-tokens.js'
import { requestsTo, setUp } from '../support/providers.js'

let vendor: VendorServer
let gate: Gate
let browser: Browser
beforeEach(async () => {
  const options = { logout: { endProviderSession: true } }
  ;({ vendor, gate, browser } = await setUp('oidc', {}, {}, options))
  expect((await browser.get(gate.url('/'))).status).toBe(200)
})
afterEach(stopAll)

const sameOrigin = { headers: { 'Sec-Fetch-Site': 'same-origin' } }
const isIn = async (one: Browser) =>
  (await one.get(gate.url('/'), { follow: false })).status === 200

describe('the plan oidcc-client-rp-initiated-logout:', () => {
  /** What the browser is sent to, and where it ends up. */
  async function logOut() {
    const page = await browser.get(gate.url('/auth/logout'), sameOrigin)
    const [request] = requestsTo(vendor, 'endSession')
    return { page, query: request?.query }
  }

  test('oidcc-client-test-rp-init-logout: the provider is asked to end its session, with id_token_hint, and the user returns', async () => {
    const { page, query } = await logOut()
    expect(query?.get('id_token_hint')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(query?.get('client_id')).toBe(vendor.clientId)
    expect(query?.get('post_logout_redirect_uri')).toBe(gate.url('/auth/logout'))
    expect([page.status, page.url]).toEqual([200, gate.url('/auth/logout')])
    expect(page.body).toContain('signed out')
    expect(await isIn(browser)).toBe(false)
  })

  test('oidcc-client-test-rp-init-logout-no-state: the request has no state, and neither does the return', async () => {
    const { page, query } = await logOut()
    expect(query?.has('state')).toBe(false)
    expect(new URL(page.url).search).toBe('')
    expect(page.status).toBe(200)
  })

  test('oidcc-client-test-rp-init-logout-other-state: a return with a state that was not sent ends no session', async () => {
    await logOut()
    const other = createBrowser()
    await other.get(gate.url('/'))
    const back = await other.get(gate.url('/auth/logout?state=other'), {
      headers: { 'Sec-Fetch-Site': 'cross-site' },
    })
    expect([back.status, back.body.includes('signed out')]).toEqual([200, false])
    expect(await isIn(other)).toBe(true)
    const again = await browser.get(gate.url('/auth/logout?state=other'))
    expect([again.status, again.body.includes('signed out')]).toEqual([200, true])
  })
})

describe('the plan oidcc-client-back-channel-logout:', () => {
  let tokens: LogoutTokens
  let elsewhere: Browser
  beforeEach(async () => {
    tokens = await startLogoutTokens(vendor)
    // Another session of the same user, which the logout token ends.
    elsewhere = createBrowser()
    await elsewhere.get(gate.url('/'))
  })

  /** A logout during which the provider sends this logout token; its status. */
  async function logOutWith(
    claims: Record<string, unknown>,
    alg?: 'none' | 'HS256',
  ): Promise<number | undefined> {
    let status: number | undefined
    vendor.respond('endSession', async () => {
      status = await tokens.send(gate, claims, alg)
      return undefined
    })
    const page = await browser.get(gate.url('/auth/logout'), sameOrigin)
    expect([page.status, page.url, await isIn(browser)]).toEqual([
      200,
      gate.url('/auth/logout'),
      false,
    ])
    return status
  }

  const expectRejected = async (claims: Record<string, unknown>, alg?: 'none' | 'HS256') => {
    expect(await logOutWith(claims, alg)).toBe(400)
    expect(await isIn(elsewhere)).toBe(true)
  }

  test('oidcc-client-test-rp-backchannel-rpinitlogout: a logout token ends the sessions of its user', async () => {
    expect(await logOutWith({})).toBe(200)
    expect(await isIn(elsewhere)).toBe(false)
  })

  test('oidcc-client-test-rp-backchannel-rpinitlogout-alg-none: a logout token without a signature is rejected', async () => {
    await expectRejected({}, 'none')
  })

  test('oidcc-client-test-rp-backchannel-rpinitlogout-no-event: a logout token without events is rejected', async () => {
    await expectRejected({ events: undefined })
  })

  test('oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce: a logout token with a nonce is rejected', async () => {
    await expectRejected({ nonce: 'nonce' })
  })

  test('oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg: a logout token that is signed with another algorithm is rejected', async () => {
    await expectRejected({}, 'HS256')
  })

  test('oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud: a logout token for another client is rejected', async () => {
    await expectRejected({ aud: `${vendor.clientId}-other` })
  })

  test('oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event: a logout token with another event is rejected', async () => {
    await expectRejected({ events: { 'http://schemas.openid.net/event/other': {} } })
  })

  test('oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss: a logout token of another issuer is rejected', async () => {
    await expectRejected({ iss: 'https://elsewhere.example' })
  })
})
