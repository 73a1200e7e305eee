import { spawnSync } from 'node:child_process'
import { afterEach, describe, expect, test } from '@jest/globals'
import { type Demo, startDemo } from '../support/demo.js'
import { stopAll, stopping } from '../support/gate.js'
import { type Browser, createBrowser, linksOf } from '../support/jar.js'
import { startPostgres } from '../support/postgres.js'
import { eventually } from '../support/programs.js'
import { startRedis } from '../support/redis.js'

afterEach(stopAll)

async function logIn({ origin }: Demo): Promise<Browser> {
  const browser = createBrowser()
  const chooser = await browser.get(`${origin}/`)
  const ada = linksOf(chooser).find((url) => new URL(url).searchParams.get('persona') === 'ada')
  if (ada === undefined)
    throw new Error(`nobody to choose: ${chooser.status} ${chooser.url} ${chooser.body}`)
  expect(await browser.get(ada)).toMatchObject({ status: 200, url: `${origin}/` })
  return browser
}

/** The id of the process that responds to Ada. */
async function processThatAnswers(browser: Browser, { origin }: Demo): Promise<number> {
  const page = await browser.get(`${origin}/`, { follow: false })
  const pid = /^Hello Ada Lovelace, process (\d+) recognizes you$/m.exec(page.body)?.[1]
  if (pid === undefined) throw new Error(`Ada is not known: ${page.status} ${page.body}`)
  return Number(pid)
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function knowAdaInBothAndLater(demo: Demo): Promise<void> {
  const browser = await logIn(demo)
  const pids = new Set<number>()
  await eventually('both processes answer', async () =>
    pids.add(await processThatAnswers(browser, demo)).size === 2 ? true : undefined,
  )
  const [dying = 0] = pids
  process.kill(dying, 'SIGKILL')
  // Until it is noticed, connections are still given to it.
  await eventually('the process is gone', () => (isThere(dying) ? undefined : true))
  await eventually('another process takes its place', async () =>
    pids.add(await processThatAnswers(browser, demo)).size === 3 ? true : undefined,
  )
}

describe('two processes of an example', () => {
  test('redis: share logins in the Redis that it starts', async () => {
    await knowAdaInBothAndLater(stopping(await startDemo('redis.ts')))
  }, 60_000)

  test('redis: share logins in the Redis of REDIS_URL', async () => {
    const server = stopping(await startRedis())
    await knowAdaInBothAndLater(
      stopping(await startDemo('redis.ts', { REDIS_URL: `redis://127.0.0.1:${server.port}` })),
    )
    expect(await server.command('keys', 'oauth-module:row:*')).not.toBe('')
  }, 60_000)

  test('connect-pg-simple: share logins in PostgreSQL', async () => {
    const { url, ...postgres } = await startPostgres()
    stopping(postgres)
    await knowAdaInBothAndLater(
      stopping(await startDemo('connect-pg-simple.ts', { DATABASE_URL: url })),
    )
    expect((await postgres.pool.query('SELECT sid FROM session')).rows.length).toBeGreaterThan(0)
  }, 60_000)
})

describe('an example without its prerequisites', () => {
  test.each([
    ['connect-pg-simple.ts', { PATH: process.env['PATH'] }, 'DATABASE_URL'],
    ['redis.ts', { PATH: '/nowhere' }, 'REDIS_URL'],
  ])(
    '%s names them and exits',
    (name, env, word) => {
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--import', 'tsx', `examples/${name}`],
        { env, encoding: 'utf8', timeout: 20_000 },
      )
      expect([status, stderr]).toEqual([1, expect.stringContaining(word)])
    },
    30_000,
  )
})
