import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from '@jest/globals'
import {
  CHECKS,
  diagnose,
  type Finding,
  formatFindings,
  printFindings,
} from '../../src/command/doctor/index.js'
import { FINDING_CODES } from '../../src/command/doctor/finding-codes.js'
import { runCheck } from '../../src/command/doctor/run-check.js'
import { checkSecret } from '../../src/command/doctor/secret-check.js'
import { checkTarget } from '../../src/command/doctor/target-check.js'
import { examine, summary, wrong } from '../support/doctor.js'
import { stopAll } from '../support/gate.js'
import { freePorts } from '../support/programs.js'
import { providerOf, startVendor } from '../support/providers.js'

afterEach(stopAll)

const github = { clientId: 'the-id', clientSecret: 'the-client-secret' }
const closed = {
  authorization: 'http://127.0.0.1:9',
  token: 'http://127.0.0.1:9',
  api: 'http://127.0.0.1:9',
}

/** Only what the options themselves show: the provider is out of reach. */
async function offline(options: Record<string, unknown>, env = {}): Promise<Finding[]> {
  const provider = { github: { ...github, endpoints: closed } }
  const findings = await examine({ provider, ...options }, { env })
  return findings.filter(({ check }) => check !== 'provider')
}

describe('the options', () => {
  test('report every mistake, with its option and a fix', async () => {
    const findings = await diagnose({
      options: {
        provider: { github: { clientId: '', organisations: ['acme'] } },
        secret: 'short',
        maximumDuration: -1,
      } as never,
      json: {},
      env: {},
    })
    expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(
      findings.map(() => 'error invalid_option'),
    )
    const text = findings.map(({ problem }) => problem).join('\n')
    for (const option of ['secret', 'maximumDuration', 'provider.github'])
      expect(text).toContain(`The option ${option}`)
    expect(findings.every(({ fix }) => fix.length > 10)).toBe(true)
  })

  test('that cannot be converted from JSON are findings', async () => {
    const options = () => {
      throw new TypeError('oauthModule.provider.acme needs a type\noauthModule.store must be a URL')
    }
    const findings = await diagnose({ options, json: {}, env: {} })
    expect(findings.map(({ problem }) => problem)).toEqual([
      'The option provider.acme needs a type.',
      'The option store must be a URL.',
    ])
  })

  test('report rules that the provider cannot evaluate', async () => {
    const findings = await diagnose({
      options: { provider: { google: { ...github, organizations: ['acme'] } as never } },
      json: {},
      env: {},
    })
    expect(wrong(findings)[0]?.problem).toContain('organizations')
    const facebook = { ...github, emailDomains: ['acme.example'] }
    const unverified = await diagnose({ options: { provider: { facebook } }, json: {}, env: {} })
    expect(wrong(unverified)[0]?.problem).toContain('cannot be met')
    expect(wrong(unverified)[0]?.fix).toMatch(/^Set trustEmail: true/)
  })

  test('report what construction would warn of', async () => {
    const findings = await offline({ maximumDuration: 86_400_000 / 10 })
    expect(summary(findings)).toEqual(['warning options/questionable_option'])
    expect(wrong(findings)[0]?.problem).toContain('maximumDuration')
  })

  test('without a secret in production', async () => {
    const findings = await offline(
      { secret: undefined, store: undefined },
      { NODE_ENV: 'production' },
    )
    expect(summary(findings)).toContain('error options/invalid_option')
    expect(wrong(findings)[0]?.problem).toContain('secret')
  })
})

describe('the secret', () => {
  const codesOf = (secret: unknown, env = {}, others: string[] = []) =>
    checkSecret(secret, env, others).map(({ severity, code }) => `${severity} ${code}`)

  test('that is random is healthy', () => {
    for (let round = 0; round < 200; round++) {
      expect(codesOf(randomBytes(32).toString('hex'))).toEqual([])
      expect(codesOf(randomBytes(24).toString('base64'))).toEqual([])
      expect(codesOf(randomBytes(16).toString('hex'))).toEqual([])
    }
  })

  test('that is random is healthy even if a character happens to be frequent', () => {
    // One of ten thousand random keys is like this.
    expect(codesOf('22022a202cf308c78cff20f30c00f035')).toEqual([])
  })

  test.each([
    ['changeme-changeme-changeme-changeme', 'error secret_known'],
    ['your-secret-with-at-least-32-characters', 'error secret_known'],
    ['keyboard cat keyboard cat keyboard cat', 'error secret_known'],
    ['0123456789abcdef0123456789abcdef', 'error secret_known'],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'error secret_repeats'],
    ['xk3Q9pzLxk3Q9pzLxk3Q9pzLxk3Q9pzL', 'error secret_repeats'],
    ['aaaaaaaaaaaaaaaaaaaabcdefgaaaaaaaaaa', 'warning secret_weak'],
  ])('%s is not', (secret, expected) => {
    expect(codesOf(secret)).toEqual([expected])
  })

  test('that is also the client secret is not', () => {
    const secret = randomBytes(32).toString('hex')
    expect(codesOf(secret, {}, [secret])).toEqual(['error secret_reused'])
  })

  test('comes from the environment as well, and each of several is checked', () => {
    const good = randomBytes(32).toString('hex')
    const OAUTH_MODULE_SECRET = `${good},${'ab'.repeat(20)}`
    const found = checkSecret(undefined, { OAUTH_MODULE_SECRET }, [])
    expect(found.map(({ problem }) => problem)).toEqual([
      'Secret 2 of 2 repeats the same characters.',
    ])
    expect(codesOf([good, 'a'.repeat(40)])).toEqual(['error secret_repeats'])
  })

  test('that is missing is a note in development', () => {
    expect(codesOf(undefined)).toEqual(['note secret_missing'])
  })
})

describe('the rules', () => {
  test('that contradict each other can never match', async () => {
    const rules = { allOf: [{ emailDomains: ['acme.example'] }, { emailDomains: ['b.example'] }] }
    const provider = { github: { ...github, endpoints: closed, ...rules } }
    expect(summary(await offline({ provider }))).toEqual(['error rules/rules_contradict'])
  })

  test.each([
    [{ allOf: [{ emailDomains: ['a.example'] }, { emailAddresses: ['me@a.example'] }] }],
    [{ allOf: [{ emailDomains: ['a.example'] }, { organizations: ['acme'] }] }],
    [
      {
        emailDomains: ['a.example'],
        organizations: ['b'],
        allOf: [{ emailDomains: ['c.example'] }],
      },
    ],
  ])('%j can match', async (rules) => {
    const provider = { github: { ...github, endpoints: closed, ...rules } }
    expect(summary(await offline({ provider }))).toEqual([])
  })

  test('need the scope for the email address', async () => {
    const vendor = await startVendor('oidc')
    const more = { defaultScopes: ['openid', 'profile'], emailDomains: ['acme.example'] }
    const findings = await examine({ provider: providerOf(vendor, more) })
    expect(summary(findings)).toEqual(['warning rules/email_scope_missing'])
  })
})

describe('the cookies', () => {
  const baseUrl = 'https://app.invalid'
  const cookiesOf = async (options: Record<string, unknown>) =>
    summary(
      (await offline(options)).filter(({ check }) => check === 'cookies' || check === 'options'),
    )

  test('that fit the public URL are healthy', async () => {
    expect(await cookiesOf({ baseUrl })).toEqual([])
    expect(await cookiesOf({ baseUrl, cookie: { domain: 'app.invalid' } })).toEqual([])
  })

  test.each([
    [
      'a public suffix',
      { baseUrl: 'https://acme.github.io', cookie: { domain: 'github.io' } },
      'error cookies/cookie_domain_public',
    ],
    [
      'a top-level domain',
      { baseUrl, cookie: { domain: 'invalid' } },
      'error cookies/cookie_domain_public',
    ],
    [
      'another domain',
      { baseUrl, cookie: { domain: 'other.example' } },
      'error options/invalid_option',
    ],
    [
      'no Secure over https',
      { baseUrl, cookie: { secure: false } },
      'warning cookies/cookie_not_secure',
    ],
    [
      'SameSite=None over http',
      { baseUrl: 'http://localhost', cookie: { sameSite: 'None' } },
      'error options/invalid_option',
    ],
    [
      'plain http, accepted',
      { baseUrl: 'http://app.invalid', cookie: { secure: false } },
      'warning cookies/plain_http',
    ],
    ['plain http', { baseUrl: 'http://app.invalid' }, 'error options/invalid_option'],
    [
      'Secure, but a gate over http',
      { cookie: { secure: true } },
      'warning cookies/cookie_secure_over_http',
    ],
  ])('with %s are not', async (_, options, expected) => {
    expect(await cookiesOf(options)).toEqual([expected])
  })
})

describe('the target', () => {
  test('that listens is healthy', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(await checkTarget(new URL(`http://127.0.0.1:${port}`), undefined)).toEqual([])
    server.close()
  })

  test('where nothing listens', async () => {
    const [port] = await freePorts(1)
    const target = new URL(`http://localhost:${port}`)
    const findings = await examine(
      { provider: { github: { ...github, endpoints: closed } } },
      { target },
    )
    expect(summary(findings)).toContain('error target/target_down')
  })

  test('that is the gate itself', async () => {
    for (const host of ['127.0.0.1', 'localhost', '0.0.0.0']) {
      const [problem] = await checkTarget(new URL('http://localhost:4000'), { host, port: 4000 })
      expect(problem?.code).toBe('target_is_gate')
    }
  })

  test('that others can reach as well', async () => {
    const server = createServer().listen(0, '0.0.0.0')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    // On Linux, this address is the machine itself, although no name for loopback.
    const problems = await checkTarget(new URL(`http://0.0.0.0:${port}`), undefined)
    server.close()
    expect(problems.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
      'warning target_on_network',
    ])
  })
})

describe('the doctor', () => {
  test('turns a check that throws or hangs into a finding', async () => {
    const thrown = await runCheck('store', undefined, () => {
      throw new Error('out of order')
    })
    const hung = await runCheck('store', 'github', () => new Promise(() => undefined), 20)
    expect(thrown.map(({ code, problem }) => `${code} ${problem}`)).toEqual([
      'check_failed This could not be checked: out of order.',
    ])
    expect(hung[0]?.problem).toContain('did not respond within 0.02 seconds')
    expect(hung[0]?.provider).toBe('github')
  })

  test('never prints a secret, even if the provider repeats it', async () => {
    const clientSecret = 'a-very-secret-client-secret'
    const vendor = await startVendor('oidc')
    const body = JSON.stringify({ error: 'invalid_client', error_description: clientSecret })
    const headers = { 'content-type': 'application/json' }
    vendor.respond('token', { status: 401, headers, body })
    vendor.respond('authorize', { status: 400, headers: {}, body: `no client ${clientSecret}` })
    const findings = await examine({ provider: providerOf(vendor, { clientSecret }) })
    expect(summary(findings)).toEqual([
      'error authorization/client_unknown',
      'error credentials/client_rejected',
    ])
    expect(JSON.stringify(findings)).not.toContain('very-secret')
  })

  test('sorts findings by check', async () => {
    const findings = await offline({ secret: 'a'.repeat(40), baseUrl: 'https://app.invalid' })
    const indexes = findings.map(({ check }) => CHECKS.indexOf(check))
    expect(indexes).toEqual([...indexes].sort((one, other) => one - other))
  })
})

describe('the report', () => {
  const finding = (severity: Finding['severity']): Finding => ({
    check: 'credentials',
    severity,
    code: 'client_rejected',
    provider: 'github',
    problem: `This is a ${severity}.`,
    fix: 'Do something.',
  })
  const printed = (findings: Finding[], json = false) => {
    let text = ''
    const exitCode = printFindings(findings, { json, write: (part) => void (text += part) })
    return { text, exitCode }
  }

  test('lists errors first, with one fix each', () => {
    expect(formatFindings([finding('note'), finding('error'), finding('warning')])).toBe(
      [
        'ERROR (credentials, github): This is a error.',
        '  Fix: Do something.',
        '',
        'WARNING (credentials, github): This is a warning.',
        '  Fix: Do something.',
        '',
        'NOTE (credentials, github): This is a note.',
        '  Fix: Do something.',
        '',
        '1 error, 1 warning.',
        '',
      ].join('\n'),
    )
  })

  test('has exit code 1 only if something is wrong', () => {
    expect(printed([]).exitCode).toBe(0)
    expect(printed([]).text).toBe('Nothing is wrong.\n')
    expect(printed([finding('warning'), finding('note')]).exitCode).toBe(0)
    expect(printed([finding('warning'), finding('error')]).exitCode).toBe(1)
  })

  test('is an array in JSON', () => {
    const { text, exitCode } = printed([finding('error')], true)
    expect(JSON.parse(text)).toEqual([finding('error')])
    expect(exitCode).toBe(1)
    expect(JSON.parse(printed([], true).text)).toEqual([])
  })
})

test('docs/doctor.md explains every code', () => {
  const page = readFileSync('docs/doctor.md', 'utf8')
  expect(FINDING_CODES.length).toBeGreaterThan(60)
  expect(FINDING_CODES.filter((code) => !page.includes(`\`${code}\``))).toEqual([])
})
