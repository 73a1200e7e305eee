import cluster from 'node:cluster'
import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import express, { type Express } from 'express'
import { Redis } from 'ioredis'
import pino from 'pino'
import { createClient } from 'redis'
import { oauthModule, type OAuthModuleOptions } from '../../src/index.js'
import { redisStore } from '../../src/session/stores/redis/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { corpus } from '../support/corpus.js'
import { oidcOf, secret, stopAll, stopping } from '../support/gate.js'
import { createBrowser, type VisitOptions } from '../support/jar.js'
import { freePorts } from '../support/programs.js'
import { startVendor } from '../support/providers.js'
import { listen } from '../support/server.js'

let vendor: VendorServer
let stderr: string[]

beforeEach(async () => {
  process.env['NODE_ENV'] = 'development'
  vendor = await startVendor('oidc')
  stderr = []
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr.push(String(text))
    return true
  })
})
afterEach(async () => {
  jest.restoreAllMocks()
  process.env['NODE_ENV'] = 'test'
  await stopAll()
})

interface Mistake {
  readonly options?: Partial<OAuthModuleOptions>
  /** Options of the provider. */
  readonly provider?: Record<string, unknown>
  /** What the app does instead of `app.use(auth)`. */
  readonly mount?: (app: Express, auth: ReturnType<typeof oauthModule>) => void
  readonly path?: string
  readonly visit?: VisitOptions
}

/** What the owner sees after opening the app in a browser: the page, and stderr. */
async function whatOwnerSees({ options, provider, mount, path = '/', visit }: Mistake) {
  const idp = oidcOf(vendor, provider)
  const auth = oauthModule({ provider: { idp }, secret, ...options })
  stopping({ close: () => auth.close() })
  const app = express()
  if (mount === undefined) app.use(auth)
  else mount(app, auth)
  app.get('/', (req, res) => void res.send(`hello ${req.oauth.user?.name}`))
  const { origin } = stopping(await listen(app))
  const page = await createBrowser().get(origin + path, visit)
  return { page, body: unescape(page.body), log: stderr.join(''), origin }
}

function unescape(body: string): string {
  return body.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&')
}

/** The message of the exception at construction. */
function exceptionOf(options: object): string {
  try {
    oauthModule({ secret, ...options } as OAuthModuleOptions)
    return ''
  } catch (error) {
    return error instanceof TypeError ? error.message : `not a TypeError: ${String(error)}`
  }
}

/** Both the log and the page state this, and the log names code and provider. */
async function expectBoth(mistake: Mistake, code: string, ...words: (string | RegExp)[]) {
  const seen = await whatOwnerSees(mistake)
  expect(seen.body).toContain(`Error code <code>${code}</code>`)
  expect(seen.log).toMatch(
    new RegExp(`^oauth-module error: .* code=${code} provider=idp hint="`, 'm'),
  )
  for (const word of words)
    for (const text of [seen.body, seen.log.replaceAll('\\"', '"')]) expect(text).toMatch(word)
  return seen
}

const github = { clientId: 'id', clientSecret: 'a client secret' }

describe('planted mistakes: the provider', () => {
  test('D1: a wrong client secret', async () => {
    await expectBoth(
      { provider: { clientSecret: 'not the secret' } },
      'misconfigured',
      'invalid_client',
      'the provider rejected the client: check clientId and clientSecret',
    )
    expect(stderr.join('')).not.toContain('not the secret')
  })

  test('D2: a wrong redirect URI: the notice at the first login states it, and the token endpoint names it', async () => {
    vendor.settings.redirectUris = ['http://localhost:1/auth/callback']
    const { log, page, origin } = await whatOwnerSees({})
    expect(page.body).toContain('Redirect URI mismatch')
    expect(log).toContain(`Register this redirect URI at the provider: ${origin}/auth/callback`)
    vendor.settings.redirectUris = []
    vendor.respond('token', {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'Incorrect redirect_uri' },
    })
    await expectBoth({}, 'misconfigured', /register exactly this redirect URI .*\/auth\/callback/)
  })

  test('D3: http behind a proxy that the app does not trust', async () => {
    const forwarded = { Host: 'app.example', 'X-Forwarded-Proto': 'https' }
    const { log, body } = await whatOwnerSees({ visit: { headers: forwarded } })
    expect(body).toContain('<code>misconfigured</code>')
    expect(log).toMatch(
      /over plain http are rejected on .*app\.example.*set baseUrl or Express' \\"trust proxy\\"/,
    )
  })

  test.each([
    ['with a slash too many', (issuer: string) => `${issuer}/`],
    [
      'of a realm with another case',
      (issuer: string) => issuer.replace('/realms/acme', '/realms/Acme'),
    ],
  ])('D4: an issuer %s', async (_, wrong) => {
    const issuer = `${vendor.origin}/realms/acme`
    vendor.respond('discovery', { body: { issuer } })
    await expectBoth(
      { provider: { issuer: wrong(vendor.origin) } },
      'misconfigured',
      `set the option issuer to exactly "${issuer}"`,
    )
  })

  test('D5: a wrong realm', async () => {
    await expectBoth(
      { provider: { issuer: `${vendor.origin}/realms/wrong` } },
      'provider_error',
      'responded with status 404',
      'is the option issuer right?',
    )
  })

  test.each([
    ['behind', 600, /issued in the future: the clocks differ by (?:59\d|600) s/],
    ['ahead', -600, /expired \d+ s ago/],
  ])('D6: a clock that is ten minutes %s', async (_, seconds, words) => {
    vendor.claims((claims) => ({
      ...claims,
      iat: Number(claims['iat']) + seconds,
      exp: Number(claims['iat']) + seconds + 300,
    }))
    await expectBoth(
      {},
      'provider_error',
      words,
      'Synchronize the clocks of this server and of the provider',
    )
  })

  test('D7: the provider is down', async () => {
    await vendor.close()
    await expectBoth({}, 'provider_unreachable', /127\.0\.0\.1:\d+ failed: ECONNREFUSED/)
  })

  test('D7: the provider does not respond, or its host name is wrong', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    await expectBoth(
      {
        options: { timeouts: { provider: 0.3 } },
        provider: { issuer: `http://127.0.0.1:${port}` },
      },
      'provider_timeout',
      `127.0.0.1:${port} did not respond in time`,
    )
    silent.close()
    await expectBoth(
      { provider: { issuer: 'https://idp.invalid' } },
      'provider_unreachable',
      /idp\.invalid failed: (?:ENOTFOUND|EAI_AGAIN)/,
    )
  })
})

describe('planted mistakes: store and log', () => {
  const session = { headers: { Cookie: `ngrok.session=${'A'.repeat(43)}` } }

  test('D8: a client of node-redis that was never connected', async () => {
    const store = redisStore(createClient())
    const { body, log } = await whatOwnerSees({ options: { store }, visit: session })
    for (const text of [body, log]) {
      expect(text).toContain('store_unavailable')
      expect(text).toMatch(/not connected: call await client\.connect\(\)/)
    }
  })

  test('D8: a client of ioredis without a server', async () => {
    const [port = 0] = await freePorts(1)
    const client = new Redis({ host: '127.0.0.1', port }).on('error', () => undefined)
    const options = { store: redisStore(client), timeouts: { store: 0.3 } }
    const { body, log } = await whatOwnerSees({ options, visit: session })
    client.disconnect()
    for (const text of [body, log]) {
      expect(text).toContain('store_unavailable')
      expect(text).toMatch(/the Redis client is \w+: is Redis running at the address of the client/)
    }
  })

  test('D9: pino gets code and hint', async () => {
    const lines = new PassThrough()
    const logger = pino({}, lines) as unknown as OAuthModuleOptions['logger']
    await whatOwnerSees({ options: { logger }, provider: { clientSecret: 'wrong' } })
    expect(String(lines.read())).toMatch(/"code":"misconfigured".*"hint":".*check clientId/)
  })
})

describe('planted mistakes: options', () => {
  test('D10: milliseconds for seconds', () => {
    oauthModule({ provider: { github }, secret, authCheckInterval: 300_000 })
    expect(stderr.join('')).toMatch(
      /authCheckInterval looks like milliseconds, but it is in seconds: it means 3 d 11 h/,
    )
    expect(exceptionOf({ provider: { github }, maximumDuration: 86_400_000 })).toMatch(
      /maximumDuration must be .*: it looks like milliseconds/,
    )
  })

  test('D11: the gate behind the routes', async () => {
    const { log } = await whatOwnerSees({
      mount(app, auth) {
        app.get('/', (req, res) => void res.send(`hello ${req.oauth?.user?.name}`))
        app.use(auth)
      },
    })
    expect(log).toMatch(/code=misconfigured hint=".*GET \/ .*call app\.use\(oauthModule/)
  })

  test('D12: the gate on one route', async () => {
    const mount = (app: Express, auth: ReturnType<typeof oauthModule>) => void app.get('/', auth)
    const { body, log } = await whatOwnerSees({ mount })
    for (const text of [body, log]) expect(text).toContain('call app.use(auth) in front of all')
  })

  test('D13: a wrong redirect URI that leads to the registered address', async () => {
    vendor.settings.mismatch = 'error'
    vendor.settings.redirectUris = ['http://localhost:1/']
    const { log } = await whatOwnerSees({
      visit: { follow: (url) => new URL(url).port !== '1' },
    })
    expect(log).toContain('Register this redirect URI at the provider')
  })

  test('D14: scopes: []', () => {
    expect(exceptionOf({ provider: { github: { ...github, scopes: [] } } })).toMatch(
      /^oauthModule\.provider\.github\.scopes is an empty array: add an entry, or leave out the key/,
    )
  })

  test("D15: clientId: '', which Compose sets for an unset variable", () => {
    expect(exceptionOf({ provider: { github: { ...github, clientId: '' } } })).toMatch(
      /^oauthModule\.provider\.github\.clientId is an empty string: .*environment variable/,
    )
  })

  test("D16: '*.corp.com' in emailDomains", () => {
    const mistaken = { ...github, emailDomains: ['*.corp.com'] }
    expect(exceptionOf({ provider: { github: mistaken } })).toMatch(
      /emailDomains has an entry .* there are no wildcards.* List every domain in full/,
    )
  })

  test('D17: the JSON of ngrok as it is: all names in one exception, each with ours', () => {
    const { module } = corpus<{ module: { provider: object } }>('ngrok-edge.json')
    const { provider } = module
    const lines = exceptionOf(module).split('\n')
    for (const [wrong, right] of [
      ['options_passthrough', 'optionsPassthrough'],
      ['cookie_prefix', 'cookiePrefix'],
      ['inactivity_timeout', 'inactivityTimeout'],
      ['maximum_duration', 'maximumDuration'],
      ['auth_check_interval', 'authCheckInterval'],
    ])
      expect(lines).toContain(`oauthModule has an unknown option '${wrong}': write ${right}`)
    for (const name of Object.keys(provider))
      for (const [wrong, right] of [
        ['client_id', 'clientId'],
        ['client_secret', 'clientSecret'],
        ['email_addresses', 'emailAddresses'],
        ['email_domains', 'emailDomains'],
      ])
        expect(lines).toContain(
          `oauthModule.provider.${name} has an unknown option '${wrong}': write ${right}`,
        )
  })

  test('D18: no secret in production', () => {
    const { OAUTH_MODULE_SECRET: _, ...env } = process.env
    jest.replaceProperty(process, 'env', { ...env, NODE_ENV: 'production' })
    expect(exceptionOf({ provider: { github }, secret: undefined })).toMatch(
      /^oauthModule\.secret is missing: .*OAUTH_MODULE_SECRET.*openssl rand -hex 32/,
    )
  })

  test('D19: the memory store under node:cluster', () => {
    jest.replaceProperty(cluster, 'isWorker', true)
    expect(exceptionOf({ provider: { github } })).toMatch(
      /^oauthModule\.store is missing: .*Set a store that the workers share/,
    )
  })

  test('D20: a session cookie of another domain, which the browser does not keep', async () => {
    const options = { cookie: { domain: 'app.example' } }
    const { body, log } = await whatOwnerSees({ options })
    for (const text of [body, log.replaceAll('\\"', '"')]) {
      expect(text).toContain('cookie_lost')
      expect(text).toContain(
        'cookie.domain is app.example, which does not contain the host "localhost"',
      )
    }
  })

  test('D20: a session cookie that is Secure, on a site with plain http', async () => {
    const options: Partial<OAuthModuleOptions> = { cookie: { secure: true } }
    const { body, log } = await whatOwnerSees({ options, visit: { headers: { Host: '10.0.0.2' } } })
    expect(body).toContain('<code>misconfigured</code>')
    expect(log).toMatch(/logins over plain http are rejected on .*serve the app over https/)
    expect(
      exceptionOf({ provider: { github }, baseUrl: 'http://app.example', ...options }),
    ).toMatch(/cookie\.secure cannot be true with an http baseUrl/)
  })

  test('D20: an option at the wrong place, misspelled names in every group, and both at once', () => {
    const message = exceptionOf({
      provider: { github: { ...github, organisation: ['acme'], cookiePrefix: 'x.' } },
      cookies: {},
      cookie: { samesite: 'Lax' },
      timeouts: { providers: 5 },
      logout: { revokeToken: true },
      branding: {},
      reportOnly: { emailDomain: ['acme.com'] },
      pages: { signin: () => '' },
    }).split('\n')
    for (const line of [
      /^oauthModule has an unknown option 'cookies': write cookie$/,
      /^oauthModule\.cookie has an unknown option 'samesite': write sameSite$/,
      /^oauthModule\.timeouts has an unknown option 'providers': write provider$/,
      /^oauthModule\.logout has an unknown option 'revokeToken': write revokeTokens$/,
      /^oauthModule\.reportOnly has an unknown option 'emailDomain': write emailDomains$/,
      /^oauthModule\.pages has an unknown option 'signin': write signIn$/,
      /^oauthModule\.provider\.github has an unknown option 'organisation': write organizations$/,
      /^oauthModule\.provider\.github has an unknown option 'cookiePrefix'.*option of oauthModule/,
    ])
      expect(message).toContainEqual(expect.stringMatching(line))
  })
})

test('planted mistakes: no mistake, no line', async () => {
  process.env['NODE_ENV'] = 'test'
  const { page } = await whatOwnerSees({})
  expect(page.body).toMatch(/^hello \w/)
  expect(stderr).toEqual([])
})
