import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { commandFile, startCommand, startCommandAt } from '../support/command.js'
import { stopAll, stopping } from '../support/gate.js'
import { startUpstream, type TestUpstream } from '../support/gateway.js'
import { createBrowser } from '../support/jar.js'
import { eventually, freePorts } from '../support/programs.js'
import { startVendor } from '../support/providers.js'
import { startRedis } from '../support/redis.js'

const folder = mkdtempSync(join(tmpdir(), 'oauth-module-'))
const secret = 'a secret of the tests of the command'
let vendor: VendorServer
let upstream: TestUpstream

beforeAll(async () => {
  vendor = await startVendor('github')
  upstream = await startUpstream((req, res) => {
    const send = () => res.end(JSON.stringify({ url: req.url, headers: req.headers }))
    if (req.url === '/slow') setTimeout(send, 2000)
    else send()
  })
})
afterAll(async () => {
  await stopAll()
  rmSync(folder, { recursive: true })
})

/** The simulated GitHub in a configuration file. */
const github = (more: object = {}) => ({
  provider: {
    github: {
      clientId: vendor.clientId,
      clientSecret: vendor.clientSecret,
      ...vendor.options,
      ...more,
    },
  },
})

function configFile(name: string, options: object): string {
  const file = join(folder, name)
  writeFileSync(`${file}.new`, JSON.stringify({ target: upstream.port, ...options }))
  renameSync(`${file}.new`, file)
  return file
}

const seenBy = (body: string) => JSON.parse(body) as { headers: Record<string, string> }
const run = promisify(execFile)

/** Runs the command until it exits. */
async function failureOf(args: string[], env: Record<string, string> = {}) {
  const options = { env: { PATH: String(process.env['PATH']), ...env } }
  const failure = await run(process.execPath, [commandFile, ...args], options).catch(
    (error: unknown) => error as { code: number; stderr: string; stdout: string },
  )
  return { code: 0, ...failure }
}

describe('oauth-module http', () => {
  test('signs a user in, and forwards identity and tokens, but no cookie of ours', async () => {
    const { options, clientId, clientSecret } = vendor
    const endpoints = Object.entries(options['endpoints'] as Record<string, string>)
    const command = await startCommand([
      String(upstream.port),
      '--oauth',
      'github',
      '--oauth-client-id',
      clientId,
      '--oauth-client-secret',
      clientSecret,
      '--allow-path',
      'GET /health',
      ...endpoints.flatMap(([name, url]) => [`--oauth-endpoints-${name}`, url]),
    ])
    const browser = createBrowser()
    browser.setCookie('theme=dark', command.url('/'))
    const page = await browser.get(command.url('/reports?a=1'))
    expect(page.status).toBe(200)
    const { headers } = seenBy(page.body)
    expect(headers['ngrok-auth-user-email']).toBe('octavia@acme.example')
    expect(headers['ngrok-auth-oauth-access-token']).toMatch(/\w/)
    expect(headers['cookie']).toBe('theme=dark')
    await eventually('the lines are written', () =>
      command.printed().includes('"path":"/reports"') ? true : undefined,
    )
    expect(command.printed()).not.toContain('a=1')
    const health = await createBrowser().get(command.url('/health'), {
      headers: { 'ngrok-auth-user-id': 'forged' },
    })
    expect(seenBy(health.body).headers).not.toHaveProperty('ngrok-auth-user-id')

    // The arguments, with the secret, are not in the list of processes.
    const listed = execFileSync('ps', [
      '-ww',
      '-o',
      'args=',
      '-p',
      String(command.program.child.pid),
    ])
    expect(String(listed).trim()).toBe('oauth-module')
    expect(command.printed()).not.toContain(clientSecret)

    const ended = once(command.program.child, 'close')
    command.program.child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  test('the development provider works without an account', async () => {
    const [port = 0] = await freePorts(1)
    const command = await startCommand([
      String(upstream.port),
      '--provider',
      JSON.stringify({ dev: { port } }),
      '--access-log=false',
    ])
    const page = await createBrowser().get(command.url('/'))
    expect(page.url).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${port}/`))
    expect(page.body).toContain('Ada Lovelace')
    // Lines are collected for up to 100 ms.
    await sleep(200)
    expect(command.printed()).not.toContain('"path"')
  })
})

describe('the configuration file', () => {
  test('takes effect when it changes, without dropping a request; invalid contents do not', async () => {
    const file = configFile('followed.json', github())
    const command = await startCommand(['--config', file])
    const browser = createBrowser()
    expect((await browser.get(command.url('/'))).status).toBe(200)

    const slow = browser.get(command.url('/slow'))
    await sleep(100)
    configFile('followed.json', github({ emailDomains: ['elsewhere.example'] }))
    await eventually('the change is in effect', () =>
      command.printed().includes('the configuration has changed and is in effect')
        ? true
        : undefined,
    )
    expect((await slow).status).toBe(200)
    expect((await browser.get(command.url('/'))).status).toBe(403)

    writeFileSync(file, '{"provider": ')
    await eventually('the mistake is logged', () =>
      command.printed().includes('the configuration has changed and is invalid') ? true : undefined,
    )
    expect((await browser.get(command.url('/'))).status).toBe(403)
    configFile('followed.json', { ...github(), secret: `${secret} that is another` })
    await eventually('the fixed option is named', () =>
      command.printed().includes('cannot change while the process runs') ? true : undefined,
    )
    configFile('followed.json', github())
    await eventually('the change back is in effect', async () =>
      (await browser.get(command.url('/'))).status === 200 ? true : undefined,
    )
  })
})

test('a change that needs a restart is reported, and changes nothing', async () => {
  const file = configFile('fixed.json', { ...github(), store: 'cookie', secret })
  const command = await startCommand(['--config', file])
  configFile('fixed.json', { ...github({ emailDomains: ['elsewhere.example'] }), secret })
  await eventually('the mistake is logged', () =>
    command.printed().includes('store cannot change while the command runs') ? true : undefined,
  )
  expect((await createBrowser().get(command.url('/'))).status).toBe(200)
})

test('a change of where the command listens is reported, and changes nothing', async () => {
  const [before = 0, after = 0] = await freePorts(2)
  const listen = (port: number) => ({ listen: `127.0.0.1:${port}` })
  const file = configFile('listen.json', { ...github(), ...listen(before) })
  const command = await startCommandAt(before, ['--config', file])
  configFile('listen.json', {
    ...github({ emailDomains: ['elsewhere.example'] }),
    ...listen(after),
  })
  await eventually('the mistake is logged', () =>
    command.printed().includes('listen cannot change while the command runs') ? true : undefined,
  )
  expect((await createBrowser().get(command.url('/'))).status).toBe(200)
})

describe('a Redis server', () => {
  test('that never responds delays neither the start nor the end for long', async () => {
    const open = new Set<Socket>()
    const hole = createServer((socket) => void open.add(socket))
    await new Promise<void>((resolve) => void hole.listen(0, '127.0.0.1', resolve))
    const { port } = hole.address() as AddressInfo
    const store = ['--store', `redis://127.0.0.1:${port}`]
    const command = await startCommand(['--config', configFile('hole.json', github()), ...store])
    const cookie = `ngrok.session=${'a'.repeat(43)}`
    const page = await createBrowser().get(command.url('/'), { follow: false, headers: { cookie } })
    expect(page.status).toBe(503)
    const before = Date.now()
    await command.program.stop('SIGTERM')
    expect(command.program.child.exitCode).toBe(0)
    expect(Date.now() - before).toBeLessThan(5000)
    for (const socket of open) socket.destroy()
    hole.close()
  }, 20_000)

  test('keeps sessions over a restart of the command, and its outage signs no one out', async () => {
    const redis = stopping(await startRedis())
    const args = ['--config', configFile('redis.json', github())]
    const env = {
      OAUTH_MODULE_STORE: `redis://127.0.0.1:${redis.port}`,
      OAUTH_MODULE_SECRET: secret,
    }
    const [port = 0] = await freePorts(1)
    const first = await startCommand(args, env, port)
    const browser = createBrowser()
    expect((await browser.get(first.url('/'))).status).toBe(200)
    await first.program.stop('SIGTERM')

    const second = await startCommand(args, env, port)
    expect((await browser.get(second.url('/'), { follow: false })).status).toBe(200)
    await redis.kill()
    await eventually('the outage is noticed', async () =>
      (await browser.get(second.url('/'), { follow: false })).status === 503 ? true : undefined,
    )
    await redis.start()
    // Without persistence, the server has forgotten the sessions: a login is needed.
    await eventually('the command is connected again', async () =>
      (await browser.get(second.url('/'))).status === 200 ? true : undefined,
    )
    expect(second.printed()).not.toContain(secret)
    await second.program.stop('SIGTERM')
    expect(second.program.child.exitCode).toBe(0)
  })
})

describe('what is wrong is one paragraph, and exit code 1', () => {
  test.each([
    [['htpp', '3000'], "'htpp' is not a command: write http"],
    [
      ['http', '3000', '--oauth', 'gogle'],
      'provider.gogle, set by --oauth, is misspelled: write google',
    ],
    [['http', '3000', '--oauth', 'google'], 'no client ID for google: register an app at https://'],
    [['http', '--oauth', 'dev'], 'no target: name the port of your app'],
    [['http', '3000', '4000', '--oauth', 'dev'], 'http takes one argument'],
    [
      ['http', '3000', '--oauth', 'dev', '--maximum-duration', '12 h'],
      'maximumDuration, set by --maximum-duration, must be',
    ],
    [
      ['http', '3000', '--oauth', 'dev', '--listen', '0.0.0.0:1'],
      '--secret and --base-url are required',
    ],
    [
      [
        'http',
        '3000',
        '--oauth',
        'dev',
        '--listen',
        '0.0.0.0:0',
        '--secret',
        secret,
        '--base-url',
        'https://a.example',
      ],
      'is the development provider, which is for NODE_ENV development or test',
    ],
  ])('%j', async (args, message) => {
    const { code, stderr, stdout } = await failureOf(args)
    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(/^ +at |oauthModule\./m)
    expect([code, stdout]).toEqual([1, ''])
  })

  test('import and doctor are commands, with exit codes of their own', async () => {
    const file = join(folder, 'ngrok.json')
    writeFileSync(file, JSON.stringify({ provider: { google: { email_domains: ['acme.com'] } } }))
    const imported = await failureOf(['import', 'ngrok', file])
    expect(JSON.parse(imported.stdout)).toMatchObject({
      provider: { google: { emailDomains: ['acme.com'] } },
    })
    expect((await failureOf(['import', 'ngrok'])).code).toBe(2)
    const found = await failureOf(['doctor', '3000', '--oauth', 'google', '--json'])
    expect(JSON.parse(found.stdout)).toEqual(
      expect.arrayContaining([expect.objectContaining({ severity: 'error' })]),
    )
    expect(found.code).toBe(1)
  })

  test('a port that is in use is named', async () => {
    const args = ['http', '3000', '--oauth', 'dev', '--listen', `127.0.0.1:${upstream.port}`]
    const { code, stderr } = await failureOf(args)
    expect(stderr).toContain(`cannot listen at 127.0.0.1:${upstream.port}: another program uses`)
    expect(code).toBe(1)
  })

  test('docs/command.md lists every flag', async () => {
    const root = join(__dirname, '../..')
    const args = ['--import', 'tsx', 'scripts/flag-table.ts', '--check']
    await expect(run(process.execPath, args, { cwd: root })).resolves.toMatchObject({ stderr: '' })
  })

  test('--help is shorter than a screen and a half, and --version prints the version', async () => {
    const { stdout, code } = await failureOf(['--help'])
    expect(stdout.split('\n').length).toBeLessThan(60)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110)
    expect(code).toBe(0)
    expect((await failureOf(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
