import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import {
  startVendor,
  type VendorEndpoint,
  type VendorOverride,
  type VendorRequest,
  type VendorServer,
} from '../../src/dev/vendors/index.js'
import { githubProvider, oidcProvider } from '../../src/index.js'
import { fakeDate, realDate } from '../support/clock.js'
import { begin, consent, logIn, startSwitch, type Switch } from '../support/corpus.js'
import { type FaultyServer, startFaulty } from '../support/faulty.js'
import { sendRawRequest } from '../support/raw.js'

describe('requests to a provider', () => {
  let oidc: VendorServer
  let github: VendorServer
  let gate: Switch
  let elsewhere: FaultyServer
  beforeAll(async () => {
    ;[oidc, github, gate, elsewhere] = await Promise.all([
      startVendor('oidc', { settings: { issInCallback: false } }),
      startVendor('github'),
      startSwitch('express'),
      startFaulty(),
    ])
    // A team would prove the membership in its organization.
    github.user.teams = []
  })
  afterEach(realDate)
  afterAll(async () => {
    elsewhere.close()
    await Promise.all([gate.close(), oidc.close(), github.close()])
  })

  function use(vendor: VendorServer, timeout = 5): void {
    const { issuer, clientId, clientSecret } = vendor.options as {
      issuer: string
      clientId: string
      clientSecret: string
    }
    const acme =
      vendor.vendor === 'github'
        ? githubProvider({ ...vendor.options, organizations: ['acme'] })
        : oidcProvider({ issuer, clientId, clientSecret })
    vendor.requests.length = 0
    gate.use({ provider: { acme }, timeouts: { provider: timeout } })
  }

  async function attempt() {
    const first = await sendRawRequest(gate.port, { target: '/deep' })
    if (first.status !== 302) return first
    const begun = await begin(gate, '/deep')
    return sendRawRequest(gate.port, {
      target: `/auth/callback?${await consent(begun)}`,
      headers: [`Cookie: ${begun.cookie}`],
    })
  }

  const places: [string, 'oidc' | 'github', VendorEndpoint][] = [
    ['discovery', 'oidc', 'discovery'],
    ['the key set', 'oidc', 'jwks'],
    ['the token endpoint', 'oidc', 'token'],
    ['userinfo', 'oidc', 'userinfo'],
    ['GitHub’s user', 'github', 'user'],
    ['the organizations of GitHub', 'github', 'orgs'],
  ]

  describe.each(places)('S-109 at %s', (_, which, endpoint) => {
    const spoilt = async (answer: VendorOverride, timeout?: number) => {
      const vendor = which === 'oidc' ? oidc : github
      use(vendor, timeout)
      vendor.respond(endpoint, answer)
      try {
        return await attempt()
      } finally {
        vendor.respond(endpoint, undefined)
      }
    }

    test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async (status) => {
      const answer = await spoilt({
        status,
        headers: { location: `${elsewhere.stray}/collect` },
        body: '',
      })
      expect([answer.status, elsewhere.strayed]).toEqual([502, []])
    })

    test.each(['hang', 'slow-body'] as const)(
      'one timeout covers the whole request: %s',
      async (fault) => {
        expect((await spoilt(fault, 0.3)).status).toBe(504)
      },
    )

    /** The vendor's own response, followed by this many spaces. */
    const padded = (blanks: number) => async (request: VendorRequest) => {
      const vendor = which === 'oidc' ? oidc : github
      vendor.respond(endpoint, undefined)
      const { authorization = '', 'content-type': type = 'text/plain' } = request.headers
      const headers = {
        accept: 'application/json',
        'user-agent': 'test',
        ...(authorization !== '' && { authorization: String(authorization) }),
        'content-type': String(type),
      }
      const own = await fetch(vendor.origin + request.url, {
        method: request.method,
        headers,
        ...(request.body !== '' && { body: request.body }),
      })
      return {
        status: own.status,
        headers: { 'content-type': 'application/json' },
        body: (await own.text()) + ' '.repeat(blanks),
      }
    }

    test('a valid response that is too long is rejected', async () => {
      github.user = { ...github.user, organizations: ['acme'] }
      expect((await spoilt(padded(100))).status).toBe(302)
      expect((await spoilt(padded(2 * 1024 * 1024))).status).toBe(502)
      expect((await spoilt('huge-body')).status).toBe(502)
    })

    test('deeply nested JSON is rejected', async () => {
      const nested = `${'['.repeat(60_000)}${']'.repeat(60_000)}`
      const answer = await spoilt(async (request) => {
        const own = await padded(0)(request)
        return { ...own, body: `{"nested":${nested},${own.body.slice(1)}` }
      })
      expect([answer.status, answer.text.includes('provider_error')]).toEqual([502, true])
    })

    test.each(['reset', 'truncated'] as const)(
      'a broken connection results in an error page: %s',
      async (fault) => {
        expect((await spoilt(fault)).status).toBe(502)
      },
    )

    test('headers of the provider do not reach the client', async () => {
      const answer = await spoilt({
        status: 500,
        headers: { 'set-cookie': 'planted=1', 'x-planted': '1', 'clear-site-data': '"*"' },
        body: 'x',
      })
      expect(answer.text).not.toMatch(/planted|clear-site-data/i)
    })
  })

  test('S-109 an untrusted certificate is rejected', async () => {
    const { issuer, clientId, clientSecret } = oidc.options as {
      issuer: string
      clientId: string
      clientSecret: string
    }
    gate.use({
      provider: {
        acme: oidcProvider({
          issuer,
          clientId,
          clientSecret,
          endpoints: { token: elsewhere.selfSigned },
        }),
      },
    })
    expect((await attempt()).status).toBe(502)
  })

  test('S-109 every request has an Accept header, and no secret in its URL', async () => {
    for (const vendor of [oidc, github]) {
      use(vendor)
      await attempt()
      const back = vendor.requests.filter(({ endpoint }) => endpoint !== 'authorize')
      expect(back.length).toBeGreaterThan(1)
      for (const { headers, url } of back) {
        expect(String(headers['accept'])).toContain('json')
        expect(url).not.toContain(vendor.clientSecret)
      }
    }
  })

  test('S-110 a provider that hangs: few concurrent requests, the others wait until their timeout, and nothing is left open', async () => {
    const { issuer, clientId, clientSecret } = oidc.options as {
      issuer: string
      clientId: string
      clientSecret: string
    }
    let current = 0
    let most = 0
    let hangs = true
    const token = elsewhere.url((req, res) => {
      most = Math.max(most, ++current)
      req.socket.once('close', () => current--)
      if (!hangs) res.end('{}')
    })
    gate.use({
      provider: { acme: oidcProvider({ issuer, clientId, clientSecret, endpoints: { token } }) },
      timeouts: { provider: 1 },
    })
    const begun = await Promise.all(Array.from({ length: 500 }, () => begin(gate)))
    const queries = await Promise.all(begun.map((one) => consent(one)))
    const before = active()
    const answers = await Promise.all(
      begun.map(({ cookie }, index) =>
        sendRawRequest(gate.port, {
          target: `/auth/callback?${queries[index]}`,
          headers: [`Cookie: ${cookie}`],
        }),
      ),
    )
    const statuses = new Set(answers.map(({ status }) => status))
    expect([...statuses].filter((status) => ![502, 503, 504].includes(status))).toEqual([])
    expect(
      answers.filter(
        ({ status, headers }) => status === 503 && !(Number(headers['retry-after']) > 0),
      ),
    ).toEqual([])
    expect(most).toBeGreaterThan(0)
    // 50, and the server may see the end of each only after its successor has begun.
    expect(most).toBeLessThanOrEqual(100)
    hangs = false
    // What is left of the trouble is a pause of a second: then the provider is asked again.
    const asked = most
    most = 0
    await expectEventually(async () => (await attempt()).status === 502 && most > 0)
    expect(asked).toBeGreaterThan(10)
    await expectEventually(async () => active().timers <= before.timers + 2)
  })

  test('S-110 S-117 hanging callbacks do not block logged-in users: re-checks have their own queue', async () => {
    const clock = fakeDate()
    const { issuer, clientId, clientSecret } = oidc.options as {
      issuer: string
      clientId: string
      clientSecret: string
    }
    let isHeld = false
    const held: (() => void)[] = []
    const end = oidc.respond('token', () =>
      isHeld
        ? new Promise(
            (resolve) =>
              void held.push(() => resolve({ status: 400, body: { error: 'invalid_grant' } })),
          )
        : undefined,
    )
    gate.use({
      provider: { acme: oidcProvider({ issuer, clientId, clientSecret }) },
      authCheckInterval: 30,
      timeouts: { provider: 20 },
    })
    const cookie = await logIn(gate)
    const begun = await Promise.all(Array.from({ length: 260 }, () => begin(gate)))
    clock.forward(31)
    isHeld = true
    const answers = begun.map(({ state, cookie: nonce }) =>
      sendRawRequest(gate.port, {
        target: `/auth/callback?code=garbage&state=${state}`,
        headers: [`Cookie: ${nonce}`],
      }),
    )
    await expectEventually(async () => held.length === 50)
    oidc.requests.length = 0
    const page = await sendRawRequest(gate.port, { headers: [`Cookie: ${cookie}`] })
    expect([
      page.status,
      oidc.requests.map(({ endpoint }) => endpoint).filter((endpoint) => endpoint !== 'token'),
    ]).toEqual([200, ['userinfo']])
    isHeld = false
    for (const release of held) release()
    await Promise.all(answers)
    end()
  })
})

function active() {
  const all = process.getActiveResourcesInfo()
  return { timers: all.filter((kind) => kind === 'Timeout').length }
}

async function expectEventually(isTrue: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    if (await isTrue()) return
    await new Promise((resolve) => void setTimeout(resolve, 100))
  }
  expect(await isTrue()).toBe(true)
}
