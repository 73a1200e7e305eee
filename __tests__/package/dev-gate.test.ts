import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createBrowser, linksOf } from '../support/jar.js'
import { freePorts } from '../support/programs.js'

const running = new Set<ChildProcess>()

afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
})

/** Starts the app in a process of its own, with the built package. */
async function start(options: object, env: Record<string, string> = {}) {
  const child = fork(
    join(process.cwd(), '__tests__/support/dev-gate.ts'),
    [JSON.stringify(options)],
    {
      execArgv: ['--import', 'tsx'],
      env: { PATH: process.env['PATH'], NODE_ENV: 'development', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  running.add(child)
  let stderr = ''
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()))
  const [message] = (await once(child, 'message')) as [{ port?: number; error?: string }]
  return { child, ...message, stderr: () => stderr }
}

/** Logs in as the first persona that matches. */
async function logIn(port: number | undefined, persona: RegExp) {
  const browser = createBrowser()
  const page = await browser.get(`http://localhost:${port}/`)
  const link = linksOf(page).find((href) => persona.test(href))
  if (link === undefined) throw new Error(`no persona on ${page.url}: ${page.body}`)
  return browser.get(link)
}

const secret = 'a secret for tests, longer than 32 characters'

describe("D22: provider: 'dev'", () => {
  test('D22: the gate starts the development provider at the first login, and stops it', async () => {
    const [port = 0] = await freePorts(1)
    const app = await start({ provider: { dev: { port } }, secret })
    expect(app.error).toBeUndefined()
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
    const page = await logIn(app.port, /persona=/)
    expect([page.status, page.url]).toEqual([200, `http://localhost:${app.port}/`])
    expect(JSON.parse(page.body)).toMatchObject({ provider: 'dev' })
    expect(app.stderr()).toContain('anyone can sign in at the development provider')
    const ended = once(app.child, 'exit')
    app.child.send('stop')
    expect(await ended).toEqual([0, null])
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
  })

  test('D22: a second app uses the one that runs, and rules on groups apply', async () => {
    const [port = 0] = await freePorts(1)
    const first = await start({ provider: { dev: { port } }, secret })
    await logIn(first.port, /persona=/)
    const second = await start({ provider: { dev: { port, groups: ['no such group'] } }, secret })
    expect((await logIn(second.port, /persona=/)).status).toBe(403)
  })

  test('D22: OAUTH_MODULE_DEV=1 replaces the configured providers, which need no client then', async () => {
    const app = await start({ provider: 'github', secret }, { OAUTH_MODULE_DEV: '1' })
    expect(app.error).toBeUndefined()
    const page = await createBrowser().get(`http://localhost:${app.port}/`, { follow: 1 })
    expect(page.url).toContain('http://127.0.0.1:4800/')
  })

  test('D22: with OAUTH_MODULE_DEV=1, the rules of the replaced providers do not apply, and the log states it', async () => {
    const github = { clientId: 'id', clientSecret: 'a secret', organizations: ['no such one'] }
    const app = await start({ provider: { github }, secret }, { OAUTH_MODULE_DEV: '1' })
    expect((await logIn(app.port, /persona=/)).status).toBe(200)
    expect(app.stderr()).toMatch(
      /replaces the option provider, so its rules do not apply: unset OAUTH_MODULE_DEV/,
    )
  })

  test.each(['production', ''])(
    'D22: with NODE_ENV=%j, a public baseUrl throws, and a public host is rejected',
    async (mode) => {
      const env = { NODE_ENV: mode, OAUTH_MODULE_SECRET: secret.replace(',', '') }
      const thrown = await start({ provider: 'dev', baseUrl: 'https://app.example' }, env)
      expect(thrown.error).toContain(
        'provider.dev is the development provider, which is for NODE_ENV',
      )
      const [port = 0] = await freePorts(1)
      const app = await start({ provider: { dev: { port } }, cookie: { secure: false } }, env)
      expect(app.error).toBeUndefined()
      const url = `http://localhost:${app.port}/`
      const page = await createBrowser().get(url, { headers: { Host: 'app.example' } })
      expect(page.body).toContain('misconfigured')
      await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
      expect((await createBrowser().get(url, { follow: 1 })).url).toContain(`127.0.0.1:${port}`)
    },
  )

  test('D22: a wrong port is a mistake', async () => {
    const { error } = await start({ provider: { dev: { port: 0.5 } }, secret })
    expect(error).toContain('provider.dev.port must be an integer')
  })
})
