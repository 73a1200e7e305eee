import { afterEach, describe, expect, test } from '@jest/globals'
import type { OAuthModuleOptions } from '../../src/index.js'
import type { VendorEndpoint, VendorFault, VendorResponse } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { bodyOf, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import {
  attemptOf,
  expectDenied,
  gateOf,
  logIn,
  providerOf,
  requestsTo,
  setUp,
  startVendor,
} from '../support/providers.js'
import { INTERVAL, loggedIn } from '../support/recheck.js'

afterEach(async () => {
  realDate()
  await stopAll()
})

type Answer = VendorResponse | VendorFault
type Rules = Record<string, readonly string[]>

const denied: Answer = { status: 403, body: { message: 'Resource not accessible by integration' } }
const missing: Answer = { status: 404, body: { message: 'Not Found' } }
const down: Answer = { status: 500, body: 'unicorn' }
const throttled: Answer = { status: 429, headers: { 'retry-after': '7' } }

const organizations = { organizations: ['acme'] }
const emails = { emailDomains: ['acme.example'] }

const logInWhere = async (
  rules: Rules,
  answers: Partial<Record<VendorEndpoint, Answer>>,
  options: Partial<OAuthModuleOptions> = {},
) => {
  const setting = await setUp('github', rules, {}, options)
  for (const [endpoint, answer] of Object.entries(answers))
    setting.vendor.respond(endpoint as VendorEndpoint, answer)
  const { page, code } = await logIn(setting)
  return { ...setting, page, code, again: () => logIn(setting) }
}

describe('a rule that one response proves', () => {
  test.each<[string, Rules, Partial<Record<VendorEndpoint, Answer>>]>([
    ['teams are forbidden', organizations, { teams: denied }],
    ['teams do not exist', organizations, { teams: missing }],
    ['teams are down', organizations, { teams: down }],
    ['teams are wanted as well', { ...organizations, teams: ['acme/sales'] }, { teams: down }],
    ['teams hang', { ...organizations, teams: ['acme/sales'] }, { teams: 'hang' }],
    [
      'organizations are down, and an email rule is met',
      { ...organizations, ...emails },
      { orgs: down },
    ],
    ['organizations are throttled', { ...organizations, ...emails }, { orgs: throttled }],
    [
      'everything but the email is down',
      { ...organizations, ...emails },
      { orgs: down, teams: down },
    ],
    ['email addresses are down, and the organization is listed', organizations, { emails: down }],
    ['organizations are down, and a team proves one', organizations, { orgs: down }],
    ['organizations are reset', { teams: ['acme/engineering'] }, { orgs: 'reset' }],
  ])('A13 is met although %s', async (_, rules, answers) => {
    const { page } = await logInWhere(rules, answers, { timeouts: { provider: 1 } })
    expect(page.status).toBe(200)
  })

  test('A13 is met by the first page although the second one fails', async () => {
    const { vendor, gate } = await setUp('github', organizations)
    vendor.user.organizations = ['acme', ...Array.from({ length: 150 }, (_, i) => `org-${i}`)]
    vendor.respond('orgs', ({ query }) => (query.get('page') === '2' ? down : undefined))
    expect((await logIn({ gate })).user).toMatchObject({ organizations: ['acme'] })
    const other = await gateOf(vendor, { organizations: ['org-149'] })
    expect(await logIn({ gate: other })).toMatchObject({ status: 502, code: 'provider_error' })
  })
})

describe('a rule that no response proves', () => {
  test.each<[string, Rules, Partial<Record<VendorEndpoint, Answer>>, number, string]>([
    ['organizations are down', { organizations: ['other'] }, { orgs: down }, 502, 'provider_error'],
    ['teams are down', { organizations: ['other'] }, { teams: down }, 502, 'provider_error'],
    ['teams are throttled', { teams: ['acme/sales'] }, { teams: throttled }, 503, 'provider_busy'],
    ['a team is down', { teams: ['acme/sales'] }, { teamMembership: down }, 502, 'provider_error'],
    ['emails are down', emails, { emails: down }, 502, 'provider_error'],
    ['teams are forbidden', { organizations: ['other'] }, { teams: denied }, 403, 'not_authorized'],
    [
      'organizations do not exist',
      organizations,
      { orgs: missing, teams: missing },
      403,
      'not_authorized',
    ],
  ])('A13 is open or not met: %s', async (_, rules, answers, status, expected) => {
    const { page, code, gate } = await logInWhere(rules, answers)
    expect([page.status, code, gate.reached]).toEqual([status, expected, []])
  })

  test('A13 a forbidden API is in the log, once', async () => {
    const { gate, again } = await logInWhere({ teams: ['acme/sales'] }, { teams: denied })
    expectDenied(await again())
    expect(gate.logged.filter((line) => line.startsWith('warn memberships'))).toEqual([
      'warn memberships cannot be read: the API (/user/teams) responded with status 403 {"provider":"github"}',
    ])
  })

  test('A13 `authorize` and an app without rules get complete users only', async () => {
    const authorize = () => true
    const rules = { ...organizations, ...emails }
    expect((await logInWhere(rules, { orgs: down }, { authorize })).page.status).toBe(502)
    expect((await logInWhere({}, { emails: down })).page.status).toBe(502)
    expect((await logInWhere(rules, {}, { authorize })).page.status).toBe(200)
  })
})

describe('requests', () => {
  test.each<[string, Rules, number]>([
    ['an organization is listed', { organizations: ['other', 'acme'] }, 0],
    ['an email rule is met', { organizations: ['other'], ...emails }, 0],
    ['no organization is listed', { organizations: ['other'] }, 1],
    ['a team is wanted', { teams: ['acme/engineering'] }, 1],
  ])('A13 %s: %j requests teams %i times', async (_, rules, count) => {
    const { vendor } = await logInWhere(rules, {})
    expect(requestsTo(vendor, 'teams')).toHaveLength(count)
  })
})

describe('single sign-on', () => {
  test.each([
    ['partial-results; organizations=21955855,20582480', 'partial-results', 200],
    [
      'required; url=https://github.com/orgs/acme/sso?authorization_request=SECRET',
      'required',
      403,
    ],
  ])('A13 `X-GitHub-SSO: %s` is in the log once', async (header, kind, status) => {
    const headers = { 'x-github-sso': header }
    const answer = status === 200 ? { headers, body: [] } : { status, headers, body: {} }
    const { gate, page, again } = await logInWhere(organizations, { orgs: answer, teams: answer })
    expect([page.status, (await again()).status]).toEqual([403, 403])
    const lines = gate.logged.filter((line) => line.includes('X-GitHub-SSO'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(new RegExp(`^warn .*${kind}.*"provider":"github"`))
    expect(lines[0]?.includes('21955855')).toBe(kind === 'partial-results')
    expect(gate.logged.join()).not.toContain('SECRET')
  })
})

describe('later', () => {
  test('A13 a check passes on what proves the rule, and is down without proof', async () => {
    const scene = await loggedIn('github', { provider: { ...organizations } })
    scene.clock.forward(INTERVAL)
    scene.vendor.respond('emails', down)
    expect((await scene.visit()).status).toBe(200)
    scene.vendor.respond('orgs', down)
    scene.vendor.respond('teams', down)
    scene.clock.forward(INTERVAL)
    expect((await scene.visit()).status).toBe(503)
  })

  test('A13 a guard does not deny a user who was read incompletely, and reads again', async () => {
    const vendor = await startVendor('github')
    vendor.respond('orgs', down)
    vendor.respond('teams', down)
    const gate = await startGate(
      { provider: providerOf(vendor, emails) },
      { routes: (app, auth) => void app.use('/guarded', auth.requireAuth(organizations)) },
    )
    const browser = createBrowser()
    const page = await browser.get(gate.url('/guarded'))
    expect([page.status, attemptOf(page).code]).toEqual([503, 'recheck_unavailable'])
    expect((await browser.get(gate.url('/open'))).status).toBe(200)
    vendor.respond('orgs', undefined)
    const later = Date.now() + 31_000
    fakeDate(later)
    expect((await browser.get(gate.url('/open'))).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(bodyOf(await browser.get(gate.url('/guarded'))).user).toMatchObject(organizations)
  })
})
