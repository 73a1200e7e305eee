import { afterAll, expect, test } from '@jest/globals'
import { createBoundClient } from '../support/bound-client.js'
import { startExample, stopExamples } from '../support/examples.js'
import { stopAll } from '../support/gate.js'
import { linksOf } from '../support/jar.js'
import { eventually } from '../support/programs.js'
import { startCaddy } from '../support/tls-proxies.js'

afterAll(async () => {
  await stopAll()
  await stopExamples()
})

test('device-bound: behind Caddy, the vault opens to the session that is bound, not to a copy', async () => {
  const example = await startExample('device-bound')
  const proxy = await startCaddy(Number(new URL(example.origin).port))
  const client = createBoundClient(proxy.origin)
  const { browser } = client
  const chooser = await browser.get(proxy.url('/'))
  const ada = linksOf(chooser).find((url) => new URL(url).searchParams.get('persona') === 'ada')
  await client.signIn(String(ada))
  expect((await client.register()).status).toBe(200)
  await eventually('the event', () =>
    example.printed().includes('bound a session of dev:ada') ? true : undefined,
  )
  const vault = await browser.get(proxy.url('/vault'))
  expect(JSON.parse(vault.body)).toEqual({
    path: '/vault',
    name: 'Ada Lovelace',
    isDeviceBound: true,
  })
  const session = browser.cookies(proxy.origin).find(({ key }) => key.endsWith('.session'))
  const copied = { headers: { Cookie: String(session?.cookieString()) }, follow: false as const }
  expect((await browser.get(proxy.url('/vault'), copied)).status).toBe(302)
}, 60_000)
