import { afterEach, expect, test } from '@jest/globals'
import { createClient } from 'redis'
import { oauthModule, oidcProvider } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { oidcOf, secret, startGate, stopAll } from '../support/gate.js'
import { startVendor } from '../support/providers.js'

afterEach(async () => {
  await stopAll()
  realDate()
})

async function problemsOf(ready: Promise<void>): Promise<string[]> {
  const error: unknown = await ready.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error === undefined) return []
  expect(error).toBeInstanceOf(AggregateError)
  return (error as AggregateError).errors.map(({ hint }: { hint?: string }) => String(hint))
}

test('D24: ready() reports every problem at once, in the rejection and in the log', async () => {
  const vendor = await startVendor('oidc')
  const gate = await startGate({
    provider: {
      idp: oidcOf(vendor, { issuer: `${vendor.origin}/` }),
      down: oidcProvider({ issuer: 'http://127.0.0.1:9', clientId: 'a', clientSecret: 'b' }),
      right: oidcOf(vendor),
    },
    store: redisStore(createClient()),
  })
  const problems = await problemsOf(gate.middleware.ready())
  const expected = [
    /set the option issuer to exactly/,
    /127\.0\.0\.1:9 failed/,
    /client\.connect\(\)/,
  ]
  expect(problems).toEqual(expected.map((words) => expect.stringMatching(words)))
  for (const words of expected)
    expect(gate.logged.filter((line) => line.startsWith('error') && words.test(line))).toHaveLength(
      1,
    )
})

test('D24: ready() reports a wrong clock, keys that cannot be fetched, and scopes that are not listed', async () => {
  const vendor = await startVendor('oidc')
  const start = (more = {}) => startGate({ provider: { idp: oidcOf(vendor, more) } })
  expect(await problemsOf((await start()).middleware.ready())).toEqual([])
  vendor.settings.discovery = { scopes_supported: ['openid', 'profile', 'email'] }
  const gate = await start({ scopes: ['calendar'] })
  expect(await problemsOf(gate.middleware.ready())).toEqual([])
  expect(gate.logged.join('\n')).toMatch(/does not list all scopes.*not listed: calendar/)
  vendor.respond('jwks', { status: 500 })
  expect(await problemsOf((await start()).middleware.ready())).toEqual([
    expect.stringMatching(/responded with status 500/),
  ])
  vendor.respond('jwks', undefined)
  fakeDate(Date.now() - 600_000)
  const [clock, ...others] = await problemsOf((await start()).middleware.ready())
  expect(others).toEqual([])
  expect(clock).toMatch(/differs from that of this server by (?:600|599|601) s: synchronize/)
})

test('D24: ready() states which redirect URIs the providers must know, or that it cannot know them', async () => {
  const github = { clientId: 'a', clientSecret: 'b' }
  const provider = { github, amazon: { ...github, callbackPath: '/amazon/done' } }
  const linesOf = async (options: object, env: string) => {
    process.env['NODE_ENV'] = env
    const gate = await startGate({ provider, ...options })
    await gate.middleware.ready()
    process.env['NODE_ENV'] = 'test'
    return gate.logged.filter((line) => line.includes('ready()'))
  }
  expect(await linesOf({}, 'development')).toEqual([
    expect.stringMatching(
      /^warn no baseUrl is set: ready\(\) cannot know the redirect URIs.*<public URL>\/auth\/callback \(github\), <public URL>\/amazon\/done \(amazon\)/,
    ),
  ])
  expect(await linesOf({ baseUrl: 'https://app.example/base/' }, 'development')).toEqual([
    expect.stringMatching(
      /^info .*https:\/\/app\.example\/base\/auth\/callback \(github\), https:\/\/app\.example\/base\/amazon\/done/,
    ),
  ])
  expect(await linesOf({}, 'test')).toEqual([expect.stringMatching(/^info no baseUrl is set/)])
})

test('D24: ready() needs no provider that has nothing to discover', async () => {
  const github = { clientId: 'a', clientSecret: 'b' }
  const auth = oauthModule({ provider: { github }, secret })
  await auth.ready()
  await auth.close()
})
