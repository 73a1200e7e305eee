import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import type { OAuthModuleOptions, WebhookDelivery } from '../../src/index.js'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { realDate } from '../support/clock.js'
import { type Gate, type GateSetup, startGate, stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser } from '../support/jar.js'

afterEach(realDate)
afterAll(stopAll)

const SECRET = "It's a Secret to Everybody"

/** As GitHub signs a body. */
const signed = (body: string, secret = SECRET) =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

/** The headers of a delivery, in GitHub's spelling. */
const githubHeaders = (event: string, body: string): Record<string, string> => ({
  Accept: '*/*',
  'User-Agent': 'GitHub-Hookshot/044aadd',
  'Content-Type': 'application/json',
  'X-GitHub-Delivery': randomUUID(),
  'X-GitHub-Event': event,
  'X-GitHub-Hook-ID': '292430182',
  'X-GitHub-Hook-Installation-Target-ID': '79929171',
  'X-GitHub-Hook-Installation-Target-Type': 'organization',
  'X-Hub-Signature': 'sha1=7d38cdd689735b008b3c702edd92eea23791c5f6',
  'X-Hub-Signature-256': signed(body),
})

interface Scene {
  gate: Gate
  vendor: VendorServer
  browser: Browser
  signals: Record<string, unknown>[]
  /** Sends a webhook. */
  send(body: string, headers: Record<string, string>): Promise<Response>
  status(): Promise<number>
}

async function open(
  name: 'github' | 'gitlab',
  provider: object,
  { options = {}, setup = {} }: { options?: Partial<OAuthModuleOptions>; setup?: GateSetup } = {},
): Promise<Scene> {
  const vendor = stopping(await startVendor(name))
  const gate = await startGate(
    {
      provider: { [name]: { ...vendor.options, ...provider } },
      timeouts: { provider: 60, store: 30 },
      signals: { webhooks: { [name]: { type: name, secret: SECRET } } },
      ...options,
    },
    setup,
  )
  const signals: Record<string, unknown>[] = []
  gate.middleware.on('signal', (signal) => void signals.push({ ...signal }))
  const browser = createBrowser()
  const page = await browser.get(gate.url('/'))
  if (page.status !== 200) throw new Error(`no login: ${page.status} ${page.body}`)
  vendor.requests.length = 0
  return {
    ...{ gate, vendor, browser, signals },
    send: (body, headers) =>
      fetch(gate.url(`/auth/webhooks/${name}`), { method: 'POST', body, headers }),
    status: async () => (await browser.get(gate.url('/'), { follow: false })).status,
  }
}

describe('GitHub', () => {
  const openGithub = (more: Parameters<typeof open>[2] = {}) =>
    open('github', { organizations: ['acme'] }, more)

  const user = ({ vendor }: Scene) => ({
    login: 'Codertocat',
    id: Number(vendor.user.id),
    node_id: 'MDQ6VXNlcjIxMDMxMDY3',
    type: 'User',
    site_admin: false,
  })
  const organization = { login: 'acme', id: 38302899, node_id: 'MDEy', description: '' }
  const sender = { login: 'admin', id: 1, type: 'User' }

  const events: [string, (scene: Scene) => object][] = [
    [
      'organization',
      (scene) => ({
        action: 'member_removed',
        membership: { state: 'active', role: 'member', user: user(scene) },
        organization,
        sender,
      }),
    ],
    [
      'membership',
      (scene) => ({
        action: 'removed',
        scope: 'team',
        member: user(scene),
        sender,
        team: { id: 3253328, name: 'github', deleted: true },
        organization,
      }),
    ],
    [
      'team',
      () => ({ action: 'deleted', team: { id: 1, name: 'x', slug: 'x' }, organization, sender }),
    ],
    ['team', () => ({ action: 'edited', changes: {}, team: { slug: 'x' }, organization, sender })],
    ['organization', () => ({ action: 'deleted', organization, sender })],
    ['github_app_authorization', (scene) => ({ action: 'revoked', sender: user(scene) })],
    [
      'installation',
      () => ({
        action: 'deleted',
        installation: { id: 2, account: { ...organization, type: 'Organization' } },
        sender,
      }),
    ],
    [
      'org_block',
      (scene) => ({ action: 'blocked', blocked_user: user(scene), organization, sender }),
    ],
  ]
  test.each(events)(
    '%s has the user checked: a member who was removed is denied',
    async (event, make) => {
      const scene = await openGithub()
      const body = JSON.stringify(make(scene))
      expect(await scene.status()).toBe(200)
      expect(scene.vendor.requests).toEqual([])
      Object.assign(scene.vendor.user, { organizations: [], teams: [] })
      const response = await scene.send(body, githubHeaders(event, body))
      expect([response.status, await response.text()]).toEqual([202, '{}'])
      expect(scene.signals).toEqual([expect.objectContaining({ outcome: 'applied', sessions: 1 })])
      expect(await scene.status()).toBe(403)
    },
  )

  test('a revoked grant ends the session', async () => {
    const scene = await openGithub()
    scene.vendor.revokeTokens()
    const body = JSON.stringify({ action: 'revoked', sender: user(scene) })
    await scene.send(body, githubHeaders('github_app_authorization', body))
    expect(await scene.status()).toBe(302)
  })

  test('webhooks out of order, twice and late end no session of a member', async () => {
    const scene = await openGithub()
    const removed = JSON.stringify(events[0]?.[1](scene))
    const added = removed.replace('member_removed', 'member_added')
    const twice = githubHeaders('organization', removed)
    // The member was removed and added again; the second webhook overtakes the first.
    for (const [body, headers] of [
      [added, githubHeaders('organization', added)],
      [removed, twice],
      [removed, twice],
    ] as const) {
      expect((await scene.send(body, headers)).status).toBe(202)
      expect(await scene.status()).toBe(200)
    }
    expect(scene.signals.map(({ outcome }) => outcome)).toEqual(['applied', 'applied', 'duplicate'])
  })

  test('the signature of the documentation is accepted, and the body is read byte for byte', async () => {
    // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    expect(signed('Hello, World!')).toBe(
      'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    )
    const scene = await openGithub()
    const spaced = '{ "zen":  "Non-blocking is better than blocking.",\n"hook_id": 1 }\r\n'
    expect((await scene.send(spaced, githubHeaders('ping', spaced))).status).toBe(202)
    const response = await scene.send('Hello, World!', githubHeaders('ping', 'Hello, World!'))
    expect(response.status).toBe(400)
  })

  test('JSON in the field of a form is accepted', async () => {
    const scene = await openGithub()
    const body = new URLSearchParams({ payload: JSON.stringify(events[0]?.[1](scene)) }).toString()
    const headers = {
      ...githubHeaders('organization', body),
      'Content-Type': 'application/x-www-form-urlencoded',
    }
    expect((await scene.send(body, headers)).status).toBe(202)
    expect(scene.signals).toMatchObject([{ outcome: 'applied' }])
  })

  test('forged webhooks are rejected, and change nothing', async () => {
    const scene = await openGithub()
    const body = JSON.stringify(events[0]?.[1](scene))
    const headers = githubHeaders('organization', body)
    const { 'X-Hub-Signature-256': signature = '', ...unsigned } = headers
    const forged = [
      unsigned,
      { ...headers, 'X-Hub-Signature-256': signed(body, 'another secret, long enough') },
      { ...headers, 'X-Hub-Signature-256': signature.slice('sha256='.length) },
      { ...headers, 'X-Hub-Signature-256': `${signature}0` },
      { ...headers, 'X-Hub-Signature-256': '' },
    ]
    for (const one of forged) expect((await scene.send(body, one)).status).toBe(401)
    expect((await scene.send(body.replace('acme', 'acmf'), headers)).status).toBe(401)
    expect(await scene.status()).toBe(200)
    expect([scene.vendor.requests, scene.signals]).toEqual([[], []])
  })

  test('of several secrets, each is accepted', async () => {
    const secret = ['a new secret, long enough', SECRET]
    const options = { signals: { webhooks: { github: { type: 'github' as const, secret } } } }
    const scene = await openGithub({ options })
    const body = JSON.stringify(events[0]?.[1](scene))
    expect((await scene.send(body, githubHeaders('organization', body))).status).toBe(202)
  })

  test('events that are not about access, and other users, change nothing', async () => {
    const scene = await openGithub()
    const others: [string, object][] = [
      ['push', { ref: 'refs/heads/main' }],
      ['organization', { action: 'member_invited', organization }],
      ['team', { action: 'added_to_repository', organization }],
      [
        'installation',
        { action: 'deleted', installation: { account: { type: 'User', login: 'x' } } },
      ],
      ['membership', { action: 'removed', member: { id: 4711 } }],
      ['membership', { action: 'removed', member: null }],
      ['team', { action: 'deleted', organization: { login: 'other' } }],
    ]
    for (const [event, payload] of others) {
      const body = JSON.stringify(payload)
      expect((await scene.send(body, githubHeaders(event, body))).status).toBe(202)
    }
    expect(await scene.status()).toBe(200)
    expect(scene.vendor.requests).toEqual([])
  })

  test('a body of 1 MB is rejected, and the next webhook is not', async () => {
    const scene = await openGithub()
    const big = JSON.stringify({ action: 'x'.repeat(1_000_000) })
    const response = await scene.send(big, githubHeaders('push', big)).catch(() => undefined)
    expect([413, undefined]).toContain(response?.status)
    const body = JSON.stringify(events[0]?.[1](scene))
    expect((await scene.send(body, githubHeaders('organization', body))).status).toBe(202)
  })

  test('a body parser in front is named in the log, with the fix; kept bytes are used', async () => {
    const before: GateSetup['before'] = (app) => app.use(express.json())
    const scene = await openGithub({ setup: { before } })
    const body = JSON.stringify(events[0]?.[1](scene))
    expect((await scene.send(body, githubHeaders('organization', body))).status).toBe(400)
    expect(scene.gate.logged.join('\n')).toMatch(/mount the gate before it/)
    const kept = await openGithub({
      setup: {
        before: (app) =>
          app.use(
            express.json({
              verify: (req, _res, bytes) => void Object.assign(req, { rawBody: bytes }),
            }),
          ),
      },
    })
    const second = JSON.stringify(events[0]?.[1](kept))
    expect((await kept.send(second, githubHeaders('organization', second))).status).toBe(202)
    expect(kept.signals).toMatchObject([{ outcome: 'applied' }])
  })

  test('an unknown name is 404, another method 405', async () => {
    const { gate } = await openGithub()
    expect((await fetch(gate.url('/auth/webhooks/other'), { method: 'POST' })).status).toBe(404)
    expect((await fetch(gate.url('/auth/webhooks'), { method: 'POST' })).status).toBe(404)
    expect((await fetch(gate.url('/auth/webhooks/github'))).status).toBe(405)
  })
})

describe('GitLab', () => {
  const openGitlab = (more: Parameters<typeof open>[2] = {}) => open('gitlab', {}, more)
  const gitlabHeaders = (event: string): Record<string, string> => ({
    'Content-Type': 'application/json',
    'User-Agent': 'GitLab/17.5.0',
    'Idempotency-Key': randomUUID(),
    'X-Gitlab-Event': event,
    'X-Gitlab-Webhook-UUID': '13792a34-cac6-4fda-95a8-c58e00a3954e',
    'X-Gitlab-Instance': 'https://gitlab.com',
    'X-Gitlab-Event-UUID': randomUUID(),
    'X-Gitlab-Token': SECRET,
  })
  // https://docs.gitlab.com/user/project/integrations/webhook_events/#remove-member-from-group
  const member = ({ vendor }: Scene, event_name: string) => ({
    created_at: '2020-12-11T04:57:22Z',
    updated_at: '2020-12-12T08:52:34Z',
    group_name: 'webhook-test',
    group_path: 'webhook-test',
    group_id: 100,
    user_username: 'test_user',
    user_name: 'Test User',
    user_email: 'testuser@webhooktest.com',
    user_id: Number(vendor.user.id),
    group_access: 'Guest',
    group_plan: null,
    expires_at: '2020-12-14T00:00:00Z',
    event_name,
  })

  test.each([
    ['Member Hook', 'user_remove_from_group'],
    ['Member Hook', 'user_update_for_group'],
    ['System Hook', 'user_remove_from_group'],
    ['System Hook', 'user_rename'],
  ])('%s %s has the user checked', async (hook, name) => {
    const scene = await openGitlab()
    const body = JSON.stringify(member(scene, name))
    expect((await scene.send(body, gitlabHeaders(hook))).status).toBe(202)
    expect(scene.signals).toMatchObject([{ type: name, outcome: 'applied', sessions: 1 }])
    expect(await scene.status()).toBe(200)
    expect(scene.vendor.requests.length).toBeGreaterThan(0)
  })

  // https://docs.gitlab.com/administration/system_hooks/
  const account = ({ vendor }: Scene, event_name: string, more: object = {}) => ({
    event_name,
    created_at: '2017-10-03T06:08:48Z',
    updated_at: new Date(Date.now() + 1000).toISOString(),
    name: 'John Smith',
    email: 'user4@example.com',
    user_id: Number(vendor.user.id),
    username: 'user4',
    ...more,
  })

  test.each<[string, object]>([
    ['user_failed_login', { state: 'blocked' }],
    ['user_failed_login', { state: 'ldap_blocked' }],
    ['user_destroy', {}],
  ])('%s %j ends the sessions', async (name, more) => {
    const scene = await openGitlab()
    const body = JSON.stringify(account(scene, name, more))
    expect((await scene.send(body, gitlabHeaders('System Hook'))).status).toBe(202)
    expect(await scene.status()).toBe(302)
  })

  test('a late webhook about a user who was unblocked since does not end the new session', async () => {
    const scene = await openGitlab()
    const updated_at = '2018-01-15T04:52:06Z'
    const body = JSON.stringify(
      account(scene, 'user_failed_login', { state: 'blocked', updated_at }),
    )
    expect((await scene.send(body, gitlabHeaders('System Hook'))).status).toBe(202)
    expect(await scene.status()).toBe(200)
  })

  test('a repeated delivery changes nothing, also without an Idempotency-Key', async () => {
    const scene = await openGitlab()
    const body = JSON.stringify(member(scene, 'user_remove_from_group'))
    const headers = gitlabHeaders('Member Hook')
    const { 'Idempotency-Key': _, ...old } = gitlabHeaders('Member Hook')
    for (const one of [headers, headers, old, old])
      expect((await scene.send(body, one)).status).toBe(202)
    expect(scene.signals.map(({ outcome }) => outcome)).toEqual([
      'applied',
      'duplicate',
      'applied',
      'duplicate',
    ])
  })

  test('a wrong or missing token is rejected', async () => {
    const scene = await openGitlab()
    const body = JSON.stringify(account(scene, 'user_destroy'))
    for (const token of ['wrong', '', `${SECRET} `.trimEnd().slice(1)]) {
      const headers = { ...gitlabHeaders('System Hook'), 'X-Gitlab-Token': token }
      expect((await scene.send(body, headers)).status).toBe(401)
    }
    expect(await scene.status()).toBe(200)
  })

  test('a signing token checks signature and time instead', async () => {
    const key = Buffer.from('a key of GitLab with thirty-two bytes')
    const secret = `whsec_${key.toString('base64')}`
    const scene = await openGitlab({
      options: { signals: { webhooks: { gitlab: { type: 'gitlab', secret } } } },
    })
    const body = JSON.stringify(account(scene, 'user_destroy'))
    const headersAt = (seconds: number, text = body) => {
      const id = randomUUID()
      const mac = createHmac('sha256', key).update(`${id}.${seconds}.${text}`).digest('base64')
      return {
        ...gitlabHeaders('System Hook'),
        'X-Gitlab-Token': '',
        'Idempotency-Key': id,
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': `v1,${mac}`,
      }
    }
    const now = Math.floor(Date.now() / 1000)
    expect((await scene.send(body, headersAt(now, `${body} `))).status).toBe(401)
    expect((await scene.send(body, headersAt(now - 3600))).status).toBe(401)
    const long = { ...headersAt(now), 'webhook-signature': `v1,${'é'.repeat(44)}` }
    expect((await scene.send(body, long)).status).toBe(401)
    expect((await scene.send(body, gitlabHeaders('System Hook'))).status).toBe(401)
    expect(await scene.status()).toBe(200)
    expect((await scene.send(body, headersAt(now))).status).toBe(202)
    expect(await scene.status()).toBe(302)
  })

  test('a parsed body is enough, because the token does not cover it', async () => {
    const scene = await openGitlab({ setup: { before: (app) => app.use(express.json()) } })
    const body = JSON.stringify(account(scene, 'user_destroy'))
    expect((await scene.send(body, gitlabHeaders('System Hook'))).status).toBe(202)
    expect(await scene.status()).toBe(302)
  })
})

describe('custom webhooks', () => {
  const openCustom = async (read: () => unknown) => {
    const webhooks = { hr: read as () => WebhookDelivery }
    const scene = await open('github', {}, { options: { signals: { webhooks } } })
    const send = () =>
      fetch(scene.gate.url('/auth/webhooks/hr'), { method: 'POST', body: 'signed by the sender' })
    const [known] = (await scene.gate.middleware.users.list()).items
    return { ...scene, send, key: known?.id ?? '', email: known?.email ?? '' }
  }

  test('end sessions by the key of the user, once per ID', async () => {
    let key = ''
    const scene = await openCustom(() => ({ id: '1', signals: [{ user: { key }, action: 'end' }] }))
    ;({ key } = scene)
    expect((await scene.send()).status).toBe(202)
    expect(await scene.status()).toBe(302)
    expect(scene.signals).toMatchObject([{ source: 'hr', type: 'hr', outcome: 'applied' }])
    await scene.browser.get(scene.gate.url('/'))
    expect((await scene.send()).status).toBe(202)
    expect(await scene.status()).toBe(200)
  })

  test('find users by email address', async () => {
    let email = ''
    const scene = await openCustom(() => ({
      id: '1',
      signals: [{ user: { provider: 'github', email }, action: 'end', type: 'left' }],
    }))
    ;({ email } = scene)
    expect((await scene.send()).status).toBe(202)
    expect(await scene.status()).toBe(302)
  })

  test.each<[string, number, () => unknown]>([
    ['undefined', 401, () => undefined],
    ['an error', 500, () => Promise.reject(new Error('the key is missing'))],
    ['no id', 500, () => ({ signals: [] })],
    [
      'an unknown action',
      500,
      () => ({ id: '1', signals: [{ user: { key: 'a:b' }, action: 'x' }] }),
    ],
    ['no user', 500, () => ({ id: '1', signals: [{ action: 'end' }] })],
    [
      'a user of an unknown provider',
      202,
      () => ({ id: '1', signals: [{ user: { key: 'x:1' }, action: 'end' }] }),
    ],
  ])('with the result %s get %i, and change nothing', async (_, status, read) => {
    const scene = await openCustom(read)
    expect((await scene.send()).status).toBe(status)
    expect(await scene.status()).toBe(200)
  })
})
