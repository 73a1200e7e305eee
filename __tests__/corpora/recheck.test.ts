import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { VendorOverride } from '../../src/dev/vendors/index.js'
import { realDate } from '../support/clock.js'
import { stopAll } from '../support/gate.js'
import { INTERVAL, loggedIn, type Scene } from '../support/recheck.js'

interface RefreshCase {
  id: string
  endpoint: string
  provider?: string
  respond: {
    status: number
    headers: Record<string, string>
    body?: string
    behaviour?: string
    idToken?: { claims?: Record<string, unknown>; sign?: string }
    userinfo?: Record<string, unknown>
    teams?: []
  }
  expect: {
    result: 'pass' | 'reauthenticate' | 'unavailable' | 'denied'
    status: number[]
    stored?: object
  }
}

const corpus = JSON.parse(
  readFileSync(join(process.cwd(), '__tests__/corpora/bad-userinfo.json'), 'utf8'),
) as { cases: RefreshCase[] }
const cases = corpus.cases.filter(({ endpoint }) => endpoint === 'refresh')

afterEach(async () => {
  await stopAll()
  realDate()
})

const behaviours: Record<string, VendorOverride> = {
  hang: 'hang',
  reset: 'reset',
  refused: 'reset',
  'tls-bad-cert': 'reset',
  'html-200': { headers: { 'content-type': 'text/html' }, body: '<html>welcome' },
  'truncated-json': 'truncated',
  'empty-200': { headers: { 'content-type': 'application/json' }, body: '' },
}

/** Makes the provider respond to the next refresh, and what follows it, as in the case. */
function play({ vendor }: Scene, { respond }: RefreshCase): void {
  const { status, headers, body, behaviour, idToken, userinfo, teams } = respond
  if (behaviour !== undefined) vendor.respond('token', behaviours[behaviour] ?? 'reset')
  else if (body !== undefined) {
    const isSuccess = body.includes('access_token')
    // Tokens of the corpus belong to no user: userinfo accepts any.
    if (isSuccess)
      vendor.respond('userinfo', {
        body: { sub: 'user-1', name: 'Ida', email: 'ida@acme.example', email_verified: true },
      })
    vendor.respond('token', { status, headers, body })
  }
  if (idToken)
    vendor.claims(
      idToken.claims ?? {},
      idToken.sign === 'wrong-key' ? { signing: 'wrong-key' } : {},
    )
  if (userinfo) vendor.user = { ...vendor.user, claims: userinfo }
  if (teams) vendor.user = { ...vendor.user, teams: [], organizations: [] }
}

describe('S-090 S-091 S-095 the refresh cases of bad-userinfo.json', () => {
  test('are in the corpus', () => expect(cases.length).toBeGreaterThan(20))

  test.each(cases.map((one) => [one.id, one] as const))('%s', async (_, one) => {
    const isGithub = one.provider === 'github'
    const provider = isGithub ? { organizations: ['acme'] } : { emailDomains: ['acme.example'] }
    const scene = await loggedIn(isGithub ? 'github' : 'oidc', {
      provider,
      vendor: { settings: { tokenLifetime: INTERVAL - 60, githubApp: true } },
      // The first login of a process takes long on a busy machine.
      options: { timeouts: { provider: one.id.includes('hang') ? 1 : 15 } },
    })
    play(scene, one)
    scene.clock.forward(INTERVAL)
    const page = await scene.visit()
    const isUnavailable = one.expect.result === 'unavailable'
    // An owner's fault is 502 (the product's contract refines the corpus).
    const isOwners = /invalid-client|unauthorized-client/.test(one.id)
    expect(isOwners ? [502] : one.expect.status).toContain(page.status)
    if (isUnavailable && !isOwners) expect(page.headers).toHaveProperty('retry-after')
    expect(scene.gate.reached).toHaveLength(one.expect.result === 'pass' ? 1 : 0)
    const { items } = await scene.gate.middleware.sessions.list()
    expect(items).toHaveLength(one.expect.result === 'reauthenticate' ? 0 : 1)
    // A request that passes reaches the app, which sees its tokens. Encrypted tokens in links are
    // random.
    const body = page.body.replaceAll(/(return_token|confirm)=[\w-]+/g, '$1=')
    expect((page.status === 200 ? '' : body) + scene.gate.logged.join('\n')).not.toMatch(
      /dev-client-secret|at-2|rt-1/,
    )
    if (one.expect.stored) {
      scene.vendor.requests.length = 0
      scene.clock.forward(3700)
      await scene.visit()
      expect(
        scene.vendor.requests.find(({ endpoint }) => endpoint === 'token')?.form?.['refresh_token'],
      ).toMatch(/^[0-9a-f]{20,}/)
    }
  })
})
