import { afterEach, expect, test } from '@jest/globals'
import { stopAll } from '../support/gate.js'
import { startTestGateway, startUpstream } from '../support/gateway.js'
import {
  ada,
  eve,
  importFixture,
  type ImportKind,
  simulated,
  started,
} from '../support/imported.js'
import { createBrowser } from '../support/jar.js'

afterEach(stopAll)

/** The command with an imported configuration, in front of an app that responds with its headers. */
async function start(kind: ImportKind, file: string) {
  const { options, command } = importFixture(kind, file)
  const { vendor, atVendor } = await simulated(options, ada)
  const upstream = await startUpstream((req, res) => {
    res.setHeader('Content-Type', 'application/json')
    res.end(JSON.stringify({ url: req.url, headers: req.headers }))
  })
  const gateway = await startTestGateway({
    options: started(atVendor),
    target: upstream.port,
    allowPaths: command.allowPath,
  })
  return { vendor, gateway }
}

const follow = { follow: false } as const

test.each<[ImportKind, string, string[], string[]]>([
  [
    'oauth2-proxy',
    'skip-routes.cfg',
    ['/health', '/static/a/b.css', '/favicon.ico', '/robots.txt'],
    ['/', '/health/', '/healthy', '/static', '/metrics', '/faviconXico', '/a/robots.txt'],
  ],
  [
    'traffic-policy',
    'webhooks.yaml',
    ['/health', '/webhook/a', '/webhook-test/b?c=d'],
    ['/', '/webhook', '/webhooks/a', '/x/webhook/a'],
  ],
])('%s %s: the same paths need no login', async (kind, file, open, closed) => {
  const { gateway } = await start(kind, file)
  for (const path of open)
    expect([path, (await createBrowser().get(gateway.url(path), follow)).status]).toEqual([
      path,
      200,
    ])
  for (const path of closed)
    expect([path, (await createBrowser().get(gateway.url(path), follow)).status]).toEqual([
      path,
      302,
    ])
})

test('the app behind the command gets the headers of oauth2-proxy, and others are rejected', async () => {
  const { gateway, vendor } = await start('oauth2-proxy', 'skip-routes.cfg')
  const page = await createBrowser().get(gateway.url('/deep?x=1'))
  expect(page.status).toBe(200)
  expect(JSON.parse(page.body)).toMatchObject({
    url: '/deep?x=1',
    headers: { 'x-forwarded-email': 'ada@acme.example', 'x-forwarded-user': '1815' },
  })
  vendor.user = eve
  expect((await createBrowser().get(gateway.url('/'))).status).toBe(403)
})
