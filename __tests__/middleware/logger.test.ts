import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Console } from 'node:console'
import { join } from 'node:path'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import bunyan from 'bunyan'
import fastify from 'fastify'
import pino from 'pino'
import { pinoHttp } from 'pino-http'
import winston from 'winston'
import { memoryStore, oauthModule, type Logger, type OAuthModuleOptions } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { type Gate, oidcOf, secret, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { startVendor } from '../support/providers.js'
import { sendRawRequest } from '../support/raw.js'

let vendor: VendorServer
let stderr: string[]

beforeEach(async () => {
  vendor = await startVendor('oidc')
  stderr = []
})
afterEach(async () => {
  jest.restoreAllMocks()
  jest.useRealTimers()
  await stopAll()
})

/** Fakes the timer that ends the minute of a line, and leaves everything else real. */
function fakeTimeouts(): void {
  jest.useFakeTimers({
    doNotFake: [
      ...(['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const),
      ...(['requestAnimationFrame', 'cancelAnimationFrame', 'requestIdleCallback'] as const),
      ...(['cancelIdleCallback', 'setImmediate', 'clearImmediate'] as const),
      ...(['setInterval', 'clearInterval'] as const),
    ],
  })
}

/** A gate with the default logger, whose stderr is recorded. */
function startDefault(options: Partial<OAuthModuleOptions> = {}, more = {}): Promise<Gate> {
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr.push(String(text))
    return true
  })
  return startGate({ provider: { idp: oidcOf(vendor, more) }, logger: undefined, ...options })
}

const wrongSecret = { clientSecret: 'not the secret of this client' }

describe('Nothing is silent: without the option logger', () => {
  test('a wrong client secret is one line on stderr with code, provider and hint', async () => {
    const gate = await startDefault({}, wrongSecret)
    const page = await createBrowser().get(gate.url('/'))
    expect(page.status).toBe(502)
    expect(stderr).toHaveLength(1)
    expect(stderr[0]).toMatch(
      /^oauth-module error: [^\n]+ code=misconfigured provider=idp hint="[^\n]*check clientId and clientSecret[^\n]*"\n$/,
    )
    expect(stderr[0]).not.toContain(wrongSecret.clientSecret)
  })

  test('the same line is written at most once a minute, with the number of repetitions', async () => {
    fakeTimeouts()
    const gate = await startDefault({}, wrongSecret)
    for (let count = 0; count < 13; count++) await createBrowser().get(gate.url('/'))
    expect(stderr).toHaveLength(1)
    jest.advanceTimersByTime(59_000)
    expect(stderr).toHaveLength(1)
    jest.advanceTimersByTime(1_000)
    expect(stderr).toHaveLength(2)
    expect(stderr[1]).toMatch(/^oauth-module error: .* \(12 more in the last minute\) code=misconf/)
    jest.advanceTimersByTime(180_000)
    expect(stderr).toHaveLength(2)
    await createBrowser().get(gate.url('/'))
    expect(stderr).toHaveLength(3)
    expect(stderr[2]).toBe(stderr[0])
  })

  test('close() writes the counts that are pending', async () => {
    const gate = await startDefault({}, wrongSecret)
    for (let count = 0; count < 3; count++) await createBrowser().get(gate.url('/'))
    await gate.middleware.close()
    expect(stderr).toHaveLength(2)
    expect(stderr[1]).toContain('(2 more in the last minute)')
  })

  test('control characters and line breaks are escaped', async () => {
    const store = memoryStore()
    const fail = () => {
      throw new Error('first\nsecond\r\u001b[31mred\u2028\u202e\u0085 "quoted"')
    }
    const gate = await startDefault({ store: { ...store, get: fail } })
    const browser = createBrowser()
    browser.setCookie(`ngrok.session=${'A'.repeat(43)}`, gate.origin)
    expect((await browser.get(gate.url('/'))).status).toBe(503)
    expect(stderr).toHaveLength(1)
    expect(stderr[0]).toContain('code=store_unavailable hint="first\\nsecond')
    expect(stderr[0]?.slice(0, -1)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
    expect(stderr[0]).toContain('\\u{202e}')
  })

  test('what users cause is not written: a refused account, an unknown path, a junk callback', async () => {
    const gate = await startDefault({}, { emailDomains: ['elsewhere.example'] })
    expect((await createBrowser().get(gate.url('/'))).status).toBe(403)
    expect((await createBrowser().get(gate.url('/auth/nothing'))).status).toBe(404)
    expect((await createBrowser().get(gate.url('/auth/callback?state=x&code=y'))).status).toBe(400)
    expect(stderr).toEqual([])
  })
})

/** Sends these requests in a process of its own, to a gate with the default logger. */
function runProgram(
  paths: readonly string[],
  nodeDebug: string,
): ChildProcessByStdio<null, Readable, Readable> {
  const program = join(process.cwd(), '__tests__/support/default-logger.ts')
  return spawn(process.execPath, ['--import', 'tsx', program, ...paths], {
    env: { ...process.env, NODE_DEBUG: nodeDebug },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function outputOf(child: ReturnType<typeof runProgram>) {
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => (output.stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output.stderr += data.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, ...output }
}

describe('Nothing is silent: NODE_DEBUG', () => {
  test.each([
    ['oauth-module', true],
    ['http,oauth-*', true],
    ['', false],
  ])('NODE_DEBUG=%s shows info and debug lines: %s', async (value, isShown) => {
    const { stdout, stderr: lines } = await outputOf(runProgram(['/auth/nothing', '/'], value))
    expect(stdout).toContain('done')
    expect(lines.includes('oauth-module info: ')).toBe(isShown)
    expect(lines.includes('code=not_found')).toBe(isShown)
    expect(lines).toContain('oauth-module error: ')
    expect(lines).toContain('code=provider_unreachable provider=idp hint=')
  })
})

describe('Nothing is silent: the loggers of an app get code, provider and hint in their own format', () => {
  function sink(): { stream: Writable; text: () => string } {
    const stream = new PassThrough()
    let text = ''
    stream.on('data', (data: Buffer) => (text += data.toString()))
    return { stream, text: () => text }
  }

  function winstonTo(stream: Writable, options: winston.LoggerOptions): winston.Logger {
    const logger = winston.createLogger(options)
    return logger.add(new winston.transports.Stream({ stream }))
  }

  type Create = (stream: Writable) => Logger
  const json: [string, Create][] = [
    ['pino', (stream) => pino({}, stream)],
    ['a child logger of pino', (stream) => pino({}, stream).child({ module: 'auth' })],
    ['pino-http', (stream) => pinoHttp({}, stream).logger],
    ['a child logger of pino-http', (stream) => pinoHttp({}, stream).logger.child({ reqId: 1 })],
    ['fastify', (stream) => fastify({ logger: { stream } }).log],
    ['bunyan', (stream) => bunyan.createLogger({ name: 'app', stream })],
    [
      'a child logger of bunyan',
      (stream) => bunyan.createLogger({ name: 'app', stream }).child({ component: 'auth' }),
    ],
    ['winston', (stream) => winstonTo(stream, {})],
    [
      'a child logger of winston with other levels',
      (stream) =>
        winstonTo(stream, {
          levels: { fatal: 0, error: 1, warn: 2, info: 3, debug: 4, trace: 5 },
        }).child({ module: 'auth' }),
    ],
    [
      'a logger with the interface of pino',
      (stream) => {
        const inner = pino({}, stream)
        const { debug, info, warn, error, fatal, trace } = inner
        const own = (method: (...args: never[]) => void) => method.bind(inner)
        const methods = { debug, info, warn, error, fatal, trace }
        const bound = Object.entries(methods).map(([name, method]) => [name, own(method)])
        return { ...Object.fromEntries(bound), child: () => inner } as Logger
      },
    ],
  ]

  test.each(json)('%s', async (_, create) => {
    const { stream, text } = sink()
    const logger = create(stream)
    const gate = await startGate({ provider: { idp: oidcOf(vendor, wrongSecret) }, logger })
    await createBrowser().get(gate.url('/'))
    const lines = text().trim().split('\n')
    const line = lines.map((one) => JSON.parse(one)).find(({ code }) => code === 'misconfigured')
    expect(line).toMatchObject({
      provider: 'idp',
      hint: expect.stringContaining('check clientId and clientSecret'),
    })
    expect(line.msg ?? line.message).toMatch(/^The owner of this application/)
  })

  test('console: one line', async () => {
    const { stream, text } = sink()
    const logger = new Console({ stdout: stream, stderr: stream })
    const gate = await startGate({ provider: { idp: oidcOf(vendor, wrongSecret) }, logger })
    await createBrowser().get(gate.url('/'))
    const [line = ''] = text().match(/^.*misconfigured.*$/m) ?? []
    expect(line).toMatch(/code=misconfigured provider=idp hint=".*check clientId and clientSecret/)
  })

  test('methods that take the message first', async () => {
    const warned: unknown[][] = []
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error: (...args: unknown[]) => warned.push(args),
    }
    const gate = await startGate({ provider: { idp: oidcOf(vendor, wrongSecret) }, logger })
    await createBrowser().get(gate.url('/'))
    expect(warned).toMatchObject([
      [expect.stringMatching(/^The owner/), { code: 'misconfigured', provider: 'idp' }],
    ])
  })
})

describe('Nothing is silent: clients without an account cannot flood a logger', () => {
  interface Line {
    readonly level: string
    readonly message: string
    readonly code: string | undefined
  }
  const COUNT = 60

  async function start(options: Partial<OAuthModuleOptions> = {}) {
    const lines: Line[] = []
    const write =
      (level: string) =>
      (message: string, details: { code?: string } = {}) =>
        void lines.push({ level, message, code: details.code })
    const logger = {
      ...{ debug: write('debug'), info: write('info') },
      ...{ warn: write('warn'), error: write('error') },
    }
    const gate = await startGate({ provider: { idp: oidcOf(vendor) }, logger, ...options })
    // A login from elsewhere first, since the gate announces some facts once.
    await createBrowser().get(gate.url('/'))
    lines.length = 0
    return { gate, lines }
  }

  const random = () => Math.random().toString(36).slice(2)
  const jsonOnly = ['Accept: application/json']
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const form = ['Content-Type: application/x-www-form-urlencoded']

  type Send = (gate: Gate) => Promise<{ status: number }>
  const attacks: [string, number, Send][] = [
    [
      'a made-up Host',
      502,
      ({ port }) => sendRawRequest(port, { headers: [`Host: ${random()}.example`] }),
    ],
    [
      'a malformed Host',
      400,
      ({ port }) => sendRawRequest(port, { headers: [`Host: ${random()}@`] }),
    ],
    [
      'a path of an API',
      401,
      ({ port }) => sendRawRequest(port, { target: `/${random()}`, headers: jsonOnly }),
    ],
    [
      'an unknown special path',
      404,
      ({ port }) => sendRawRequest(port, { target: `/auth/${random()}` }),
    ],
    [
      'an unknown connection',
      404,
      ({ port }) => sendRawRequest(port, { target: `/auth/authn?connection=${random()}` }),
    ],
    [
      'another method',
      405,
      ({ port }) => sendRawRequest(port, { target: '/auth/authn', method: 'DELETE' }),
    ],
    [
      'a junk state',
      400,
      ({ port }) => sendRawRequest(port, { target: `/auth/callback?code=a&state=${random()}` }),
    ],
    [
      'an error of their own in a callback',
      502,
      async (gate) => {
        const browser = createBrowser()
        const begun = await browser.get(gate.url('/'), { follow: false })
        const state = new URL(begun.location ?? '').searchParams.get('state') ?? ''
        const iss = String(vendor.options['issuer'])
        const params = { state, iss, error: `e_${random()}`, error_description: random() }
        return browser.get(gate.url(`/auth/callback?${new URLSearchParams(params)}`))
      },
    ],
    [
      'a code of their own',
      400,
      async (gate) => {
        const browser = createBrowser()
        const begun = await browser.get(gate.url('/'), { follow: false })
        const state = new URL(begun.location ?? '').searchParams.get('state') ?? ''
        const params = { state, code: random(), iss: String(vendor.options['issuer']) }
        return browser.get(gate.url(`/auth/callback?${new URLSearchParams(params)}`))
      },
    ],
    [
      'a callback that a proxy sends with another Host',
      400,
      async (gate) => {
        const browser = createBrowser()
        const forwarded = { 'X-Forwarded-Host': `${random()}.example` }
        const begun = await browser.get(gate.url('/'), { headers: forwarded, follow: false })
        const state = new URL(begun.location ?? '').searchParams.get('state') ?? ''
        const params = { state, code: random() }
        return createBrowser().get(gate.url(`/auth/callback?${new URLSearchParams(params)}`))
      },
    ],
    [
      'a logout token of their own',
      400,
      ({ port }) => {
        const header = part({ alg: `A${random()}`, kid: random() })
        const claims = part({ iss: random(), aud: [vendor.clientId], jti: random() })
        const body = `logout_token=${header}.${claims}.${random()}`
        return sendRawRequest(port, {
          ...{ target: '/auth/backchannel-logout', method: 'POST', headers: form },
          body,
        })
      },
    ],
    [
      'a session cookie',
      401,
      ({ port }) =>
        sendRawRequest(port, { headers: [...jsonOnly, `Cookie: ngrok.session=${random()}`] }),
    ],
  ]

  test.each(attacks)(
    'C13: %s, 60 times: one line, and one with the count',
    async (_, status, send) => {
      const { gate, lines } = await start()
      for (let count = 0; count < COUNT; count++) expect((await send(gate)).status).toBe(status)
      const codes = [...new Set(lines.map(({ code }) => code))]
      expect({ codes, lines: lines.length }).toEqual({ codes: [expect.any(String)], lines: 1 })
      await gate.middleware.close()
      expect(lines.slice(1).map(({ message }) => /\((\d+) more/.exec(message)?.[1])).toEqual([
        String(COUNT - 1),
      ])
    },
  )

  test('what differs in a way that was not foreseen has a limit as well', async () => {
    const { gate, lines } = await start({
      onError(error) {
        throw new Error(`cannot show ${error.code}, ${random()}`)
      },
    })
    for (let count = 0; count < COUNT; count++)
      await createBrowser().get(gate.url('/auth/callback?state=x'))
    const failures = lines.filter(({ message }) => message.startsWith('onError failed'))
    expect(failures.length).toBeGreaterThan(1)
    expect(failures.length).toBeLessThanOrEqual(21)
  })

  test('construction writes a startup warning to the default logger at once', () => {
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      stderr.push(String(text))
      return true
    })
    oauthModule({ provider: { idp: oidcOf(vendor, { signingAlgorithms: ['RS256'] }) }, secret })
    oauthModule({ provider: { idp: oidcOf(vendor) } })
    expect(stderr).toEqual([expect.stringMatching(/^oauth-module warn: no secret is set: /)])
  })
})
