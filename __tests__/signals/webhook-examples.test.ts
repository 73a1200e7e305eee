import { createHmac, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { type Gate, startGate, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'
import {
  GITHUB_ORGANIZATION,
  GITHUB_USER,
  GITHUB_WEBHOOKS,
  GITLAB_WEBHOOKS,
  type GitlabExample,
} from '../support/webhook-examples.js'

afterEach(realDate)
afterAll(stopAll)

/** As in GitHub's documentation. */
const SECRET = "It's a Secret to Everybody"

interface Scene {
  gate: Gate
  vendor: VendorServer
  browser: Browser
  outcomes: string[]
  send(body: string | Buffer, headers: Record<string, string>): Promise<number>
  status(): Promise<number>
  isChecked(): boolean
}

async function open(name: 'github' | 'gitlab', user: object, rules: object): Promise<Scene> {
  const vendor = stopping(await startVendor(name))
  Object.assign(vendor.user, user)
  const gate = await startGate({
    provider: { [name]: { ...vendor.options, ...rules } },
    timeouts: { provider: 60, store: 30 },
    signals: { webhooks: { [name]: { type: name, secret: SECRET } } },
  })
  const outcomes: string[] = []
  gate.middleware.on('signal', ({ outcome }) => void outcomes.push(outcome))
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  vendor.requests.length = 0
  return {
    ...{ gate, vendor, browser, outcomes },
    async send(body, headers) {
      const url = gate.url(`/auth/webhooks/${name}`)
      return (await fetch(url, { method: 'POST', headers, body })).status
    },
    status: async () => (await browser.get(gate.url('/'), { follow: false })).status,
    isChecked: () => vendor.requests.length > 0,
  }
}

const signed = (body: string | Buffer) => createHmac('sha256', SECRET).update(body).digest('hex')

/** As GitHub sends a webhook: the order and spelling of its headers. */
const githubHeaders = (event: string, body: string | Buffer): Record<string, string> => ({
  Accept: '*/*',
  'Content-Type': 'application/json',
  'User-Agent': 'GitHub-Hookshot/044aadd',
  'X-GitHub-Delivery': randomUUID(),
  'X-GitHub-Event': event,
  'X-GitHub-Hook-ID': '292430182',
  'X-GitHub-Hook-Installation-Target-ID': '38302899',
  'X-GitHub-Hook-Installation-Target-Type': 'organization',
  'X-Hub-Signature-256': `sha256=${signed(body)}`,
})

const openGithub = (organization = GITHUB_ORGANIZATION.login) =>
  open(
    'github',
    { id: GITHUB_USER.id, username: GITHUB_USER.login, organizations: [organization], teams: [] },
    { organizations: [organization] },
  )

describe("GitHub's examples", () => {
  test.each(GITHUB_WEBHOOKS)('%s: the user is checked, and denied', async (event, payload) => {
    const scene = await openGithub()
    const body = JSON.stringify(payload)
    expect(await scene.status()).toBe(200)
    expect(scene.isChecked()).toBe(false)
    if (event === 'github_app_authorization') scene.vendor.revokeTokens()
    else Object.assign(scene.vendor.user, { organizations: [] })
    expect(await scene.send(body, githubHeaders(event, body))).toBe(202)
    expect(await scene.status()).toBe(event === 'github_app_authorization' ? 302 : 403)
    expect(scene.outcomes).toEqual(['applied'])
  })

  test('characters beyond ASCII are signed as they are sent', async () => {
    const scene = await openGithub()
    const [, payload] = GITHUB_WEBHOOKS[0] ?? ['', {}]
    const organization = { ...GITHUB_ORGANIZATION, description: 'Škoda 🚗 \u2028' }
    const body = JSON.stringify({ ...payload, organization })
    const escaped = body.replace(
      /[^\x20-\x7e]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    for (const one of [body, escaped]) {
      expect(await scene.send(one, githubHeaders('organization', one))).toBe(202)
      // The signature of the other form does not fit.
      const other = one === body ? escaped : body
      expect(await scene.send(one, githubHeaders('organization', other))).toBe(401)
    }
    expect(scene.outcomes).toEqual(['applied', 'applied'])
  })

  test('a webhook of another organization, or about its members, changes nothing for ours', async () => {
    const scene = await openGithub('acme')
    for (const [event, payload] of GITHUB_WEBHOOKS) {
      const body = JSON.stringify(payload)
      expect(await scene.send(body, githubHeaders(event, body))).toBe(202)
      // Our user is still a member of acme: a check, at most, and no end.
      expect(await scene.status()).toBe(200)
    }
  })

  test('a webhook of a repository changes nothing', async () => {
    const scene = await openGithub()
    const repository = { id: 186853002, name: 'Hello-World', full_name: 'Codertocat/Hello-World' }
    for (const [event, payload] of [
      ['push', { ref: 'refs/tags/simple-tag', repository, sender: GITHUB_USER }],
      ['member', { action: 'removed', member: GITHUB_USER, repository, sender: GITHUB_USER }],
      ['repository', { action: 'deleted', repository, sender: GITHUB_USER }],
    ] as const) {
      const body = JSON.stringify(payload)
      expect(await scene.send(body, githubHeaders(event, body))).toBe(202)
    }
    expect(await scene.status()).toBe(200)
    expect(scene.isChecked()).toBe(false)
  })

  test('a delivery that is sent again keeps its ID, and changes nothing', async () => {
    const scene = await openGithub()
    const [event, payload] = GITHUB_WEBHOOKS[0] ?? ['', {}]
    const body = JSON.stringify(payload)
    const headers = githubHeaders(event, body)
    for (let count = 0; count < 3; count++) expect(await scene.send(body, headers)).toBe(202)
    expect(scene.outcomes).toEqual(['applied', 'duplicate', 'duplicate'])
  })

  test('the signature is compared as a whole: other spellings and lists are rejected', async () => {
    const scene = await openGithub()
    const [event, payload] = GITHUB_WEBHOOKS[0] ?? ['', {}]
    const body = JSON.stringify(payload)
    const right = signed(body)
    const sha1 = createHmac('sha1', SECRET).update(body).digest('hex')
    for (const signature of [
      `sha256=${right.toUpperCase()}`,
      `SHA256=${right}`,
      ` sha256=${right.slice(0, -1)}`,
      `sha256=${right}, sha256=${right}`,
      `sha1=${sha1}`,
      `sha256=${'0'.repeat(64)}`,
      `sha256=${'x'.repeat(5_000)}`,
      // As many characters as the right one, but more bytes.
      `sha256=${'é'.repeat(64)}`,
    ]) {
      const headers = { ...githubHeaders(event, body), 'X-Hub-Signature-256': signature }
      expect(await scene.send(body, headers)).toBe(401)
    }
    const { 'X-Hub-Signature-256': _, ...old } = githubHeaders(event, body)
    expect(await scene.send(body, { ...old, 'X-Hub-Signature': `sha1=${sha1}` })).toBe(401)
    expect(scene.outcomes).toEqual([])
  })

  test('a compressed body is not expanded', async () => {
    const scene = await openGithub()
    const [event, payload] = GITHUB_WEBHOOKS[0] ?? ['', {}]
    const body = gzipSync(JSON.stringify(payload))
    const headers = { ...githubHeaders(event, body), 'Content-Encoding': 'gzip' }
    expect(await scene.send(body, headers)).toBe(400)
    expect(scene.outcomes).toEqual([])
  })
})

const gitlabHeaders = (hook: string): Record<string, string> => ({
  'Content-Type': 'application/json',
  'User-Agent': 'GitLab/17.5.0-pre',
  'Idempotency-Key': randomUUID(),
  'X-Gitlab-Event': hook,
  'X-Gitlab-Webhook-UUID': '13792a34-cac6-4fda-95a8-c58e00a3954e',
  'X-Gitlab-Instance': 'https://gitlab.com',
  'X-Gitlab-Event-UUID': randomUUID(),
  'X-Gitlab-Token': SECRET,
})

describe("GitLab's examples, at the time they state", () => {
  const openGitlab = ({ userId, groups }: GitlabExample) =>
    open('gitlab', { id: userId, groups }, { groups })

  test.each(Object.entries(GITLAB_WEBHOOKS))('%s', async (_, example) => {
    const { updated_at } = JSON.parse(example.body) as { updated_at: string }
    const clock = fakeDate(Date.parse(updated_at) - 60_000)
    const scene = await openGitlab(example)
    clock.forward(60)
    expect(await scene.send(example.body, gitlabHeaders(example.hook))).toBe(202)
    expect(await scene.status()).toBe(example.effect === 'ends' ? 302 : 200)
    if (example.effect !== 'ends') expect(scene.isChecked()).toBe(example.effect === 'checks')
  })

  test.each(Object.entries(GITLAB_WEBHOOKS).filter(([, { effect }]) => effect === 'ends'))(
    '%s that arrives late does not end a session that began since',
    async (_, example) => {
      const { updated_at } = JSON.parse(example.body) as { updated_at: string }
      fakeDate(Date.parse(updated_at) + 3_600_000)
      const scene = await openGitlab(example)
      expect(await scene.send(example.body, gitlabHeaders(example.hook))).toBe(202)
      expect(await scene.status()).toBe(200)
      expect(scene.outcomes).toEqual(['unknown_subject'])
    },
  )
})
