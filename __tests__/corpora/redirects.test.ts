import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { Links } from '../../src/flows/links.js'
import { oauthModule } from '../../src/index.js'
import { Encrypter } from '../../src/http/encryption.js'
import { SpecialPaths } from '../../src/http/special-paths.js'
import { createMountState } from '../../src/http/mount-memory.js'
import { Mounts } from '../../src/http/mounts.js'
import { tried } from '../support/cases.js'
import {
  begin,
  CANARY,
  corpus,
  corpusLines,
  finish,
  frameworks,
  kinds,
  report,
  sampleFor,
  SECRET,
  silent,
  startSwitch,
  type Switch,
} from '../support/corpus.js'
import { plainOf } from '../support/plain.js'
import { type RawAnswer, sendRawRequest } from '../support/raw.js'
import { offSite, selfLoop, strictSameSitePath } from './oracle.js'

interface Payload {
  payload: string
  class: string
  requestTarget: string
}

const payloads = corpus<{ cases: Payload[] }>('open-redirect.json').cases
const onTheWire = [
  ...payloads
    .filter(({ requestTarget }) => requestTarget === 'accepted')
    .map(({ payload }) => payload),
  ...corpusLines('open-redirect.txt').filter((line) => /^[\x21-\x7e]+$/.test(line)),
]
const legitimate = corpusLines('open-redirect-ok.txt')
const loops = corpusLines('return-to-self-loop.txt')
const redirectParameters =
  'url next rd redirect redirect_uri redirect_url return return_to returnTo returnUrl callbackUrl callbackURL continue dest destination goto target target_link_uri r u'.split(
    ' ',
  )

let vendor: VendorServer
beforeAll(async () => {
  vendor = await startVendor('oauth2')
})
afterAll(() => vendor.close())

const providerOf = () => ({ acme: plainOf(vendor) })

/** The fault of this response, if any. */
function verdictOf(answer: RawAnswer): string | undefined {
  const location = answer.headers['location'] ?? ''
  if (![302, 303].includes(answer.status)) return `status ${answer.status}`
  if (answer.body !== '') return 'a body'
  return offSite(location) || !strictSameSitePath(location) ? `Location ${location}` : undefined
}

describe.each(kinds)('S-046 with %s, a login returns to this site', (kind) => {
  let gate: Switch
  beforeAll(async () => {
    gate = await startSwitch(kind)
  })
  afterAll(() => gate.close())
  afterEach(() => {
    expect(gate.errors).toEqual([])
    vendor.requests.length = 0
  })

  /** Requests what is given, and whatever login that begins is finished. */
  async function through(
    target: string,
    headers: string[] = [],
  ): Promise<{ fault: string | undefined; location: string; answer: RawAnswer }> {
    const first = await sendRawRequest(gate.port, { target, headers })
    if (first.status !== 302)
      return {
        fault: first.body.includes(CANARY) ? 'the app answered' : undefined,
        location: '',
        answer: first,
      }
    const begun = {
      answer: first,
      authorizeUrl: first.headers['location'] ?? '',
      state: '',
      cookie: first.headers['set-cookie']?.split(';', 1)[0] ?? '',
    }
    if (!begun.authorizeUrl.startsWith(`${vendor.origin}/authorize?`))
      return { fault: verdictOf(first), location: begun.authorizeUrl, answer: first }
    const last = await finish(gate, begun)
    return { fault: verdictOf(last), location: last.headers['location'] ?? '', answer: last }
  }

  test('S-046, S-047, S-053 for any request target, and again for the resulting Location', async () => {
    gate.use({ provider: providerOf() })
    const faults: string[] = []
    let logins = 0
    const targets = sampleFor(kind, new Set(onTheWire))
    for (const target of targets) {
      const first = await through(target)
      if (first.location !== '') logins++
      const second = first.location === '' ? undefined : await through(first.location)
      const fault = first.fault ?? second?.fault
      if (fault !== undefined) faults.push(`${JSON.stringify(target)}: ${fault}`)
      if (second && second.location !== first.location)
        faults.push(`${JSON.stringify(target)}: second time ${second.location}`)
    }
    expect(report(faults)).toBe('')
    expect(logins).toBeGreaterThan(targets.length / 3)
    expect(gate.upstream.calls).toBe(0)
  })

  test('S-051 to /, with any redirect parameter of /auth/authn', async () => {
    gate.use({ provider: providerOf() })
    const faults: string[] = []
    for (const { payload } of sampleFor(kind, payloads)) {
      const query = redirectParameters
        .map((name) => `${name}=${encodeURIComponent(payload)}`)
        .join('&')
      // All names at once is more than Node's 16 KiB only for the longest payloads.
      const target =
        query.length < 12_000 ? `/auth/authn?${query}` : `/auth/authn?${query.slice(0, 12_000)}`
      const { fault, location } = await through(target)
      if (fault !== undefined || location !== '/')
        faults.push(`${JSON.stringify(payload)}: ${fault ?? location}`)
    }
    for (const name of redirectParameters) {
      const { location } = await through(
        `/auth/authn?${name}=${encodeURIComponent('//evil.example')}`,
      )
      if (location !== '/') faults.push(`${name}: ${location}`)
    }
    expect(report(faults)).toBe('')
  })

  test('S-051 and the logout page names no other site, with any redirect parameter of /auth/logout', async () => {
    gate.use({ provider: providerOf() })
    const faults: string[] = []
    const ask = async (query: string) => {
      const answer = await sendRawRequest(gate.port, {
        target: `/auth/logout?${query}`,
        headers: ['Sec-Fetch-Site: same-origin'],
      })
      const isGood =
        answer.status === 200 &&
        answer.headers['location'] === undefined &&
        !/evil\.example/.test(answer.text)
      if (!isGood)
        faults.push(`${query.slice(0, 80)}: ${answer.status} ${answer.headers['location']}`)
    }
    for (const { payload } of sampleFor(kind, payloads)) {
      await ask(
        redirectParameters
          .map((name) => `${name}=${encodeURIComponent(payload)}`)
          .join('&')
          .slice(0, 12_000),
      )
    }
    for (const name of redirectParameters)
      await ask(`${name}=${encodeURIComponent('https://evil.example/')}`)
    expect(report(faults)).toBe('')
  })

  test('S-010, S-105 with any forwarding header', async () => {
    gate.use({ provider: providerOf() })
    const isSendable = (payload: string) => /^[\x20-\x7e]*$/.test(payload)
    const sendable = sampleFor(kind, payloads)
      .map(({ payload }) => payload)
      .filter(isSendable)
    const headersOf = (payload: string) => [
      `X-Forwarded-Host: ${payload}`,
      `X-Forwarded-Uri: ${payload}`,
      `X-Original-URL: ${payload}`,
      `X-Rewrite-URL: ${payload}`,
      `X-Forwarded-Prefix: ${payload}`,
      `Forwarded: host=${payload}`,
      `Referer: ${payload}`,
    ]
    const faults: string[] = []
    for (const payload of sendable) {
      const { fault, location } = await through('/deep?x=1', headersOf(payload))
      if (fault !== undefined || location !== '/deep?x=1')
        faults.push(`${JSON.stringify(payload)}: ${fault ?? location}`)
    }
    expect(report(faults)).toBe('')
    const redirectUris = new Set(
      vendor.requests
        .filter(({ endpoint }) => endpoint === 'authorize')
        .map(({ query }) => query.get('redirect_uri')),
    )
    expect([...redirectUris]).toEqual([`${gate.origin}/auth/callback`])
  })

  test('S-010 with any Host header: either a plain host, or the request is rejected', async () => {
    gate.use({ provider: providerOf() })
    const faults: string[] = []
    for (const { payload } of sampleFor(kind, payloads).filter(({ payload }) =>
      /^[\x20-\x7e]*$/.test(payload),
    )) {
      const answer = await sendRawRequest(gate.port, {
        target: '/deep',
        headers: [`Host: ${payload}`],
      })
      const redirectUri = URL.canParse(answer.headers['location'] ?? '')
        ? new URL(answer.headers['location'] ?? '').searchParams.get('redirect_uri')
        : null
      const isPlain =
        redirectUri !== null &&
        new URL(redirectUri).host === payload.trim().toLowerCase().replace(/:80$/, '')
      // 502: a host that is not this machine, over plain http.
      if (![400, 502].includes(answer.status) && !(answer.status === 302 && isPlain))
        faults.push(`${JSON.stringify(payload)}: ${answer.status} ${redirectUri}`)
    }
    expect(report(faults)).toBe('')
  })

  test('S-010 with baseUrl no request header changes the redirect URI or the return path', async () => {
    gate.use({ provider: providerOf(), baseUrl: gate.origin })
    const faults: string[] = []
    for (const { payload } of sampleFor(kind, payloads)
      .filter(({ payload }) => /^[\x21-\x7e]+$/.test(payload))
      .slice(0, 60)) {
      const headers = [
        `X-Forwarded-Host: ${payload}`,
        `X-Forwarded-Proto: ${payload}`,
        `Forwarded: host=${payload};proto=https`,
        `X-Forwarded-Port: 1`,
      ]
      const { fault, location } = await through('/deep', headers)
      if (fault !== undefined || location !== '/deep')
        faults.push(`${payload}: ${fault ?? location}`)
      const other = await sendRawRequest(gate.port, {
        target: '/deep',
        headers: [`Host: ${payload}`],
      })
      // A visitor of another host is sent to ours before a login begins.
      const to = other.headers['location'] ?? ''
      if (other.status !== 400 && !to.startsWith(`${gate.origin}/auth/authn?`))
        faults.push(`Host ${payload}: ${other.status} ${to}`)
    }
    expect(report(faults)).toBe('')
    const redirectUris = new Set(
      vendor.requests
        .filter(({ endpoint }) => endpoint === 'authorize')
        .map(({ query }) => query.get('redirect_uri')),
    )
    expect([...redirectUris]).toEqual([`${gate.origin}/auth/callback`])
  })

  test('S-048 to the same bytes if the target is legitimate', async () => {
    gate.use({ provider: providerOf() })
    const wrong: string[] = []
    for (const target of sampleFor(kind, legitimate)) {
      const { location } = await through(target)
      if (location !== target) wrong.push(`${target} -> ${location}`)
    }
    expect(report(wrong)).toBe('')
  })

  test('S-050 and never to a path of the module itself', async () => {
    gate.use({ provider: providerOf() })
    const faults: string[] = []
    for (const target of sampleFor(kind, loops)) {
      const { location, answer, fault } = await through(target)
      if (
        fault !== undefined ||
        answer.body.includes(CANARY) ||
        (location !== '' && location !== '/')
      )
        faults.push(`${target}: ${fault ?? location}`)
    }
    expect(report(faults)).toBe('')
    expect(gate.upstream.calls).toBe(0)
  })

  test('S-047 to the path of an absolute-form target, whose host does not count', async () => {
    gate.use({ provider: providerOf() })
    const targets = [
      'http://evil.example/deep?x=1',
      'https://evil.example:8443/deep?x=1',
      'javascript://evil.example/deep?x=1',
      'HTTP://user:password@evil.example/deep?x=1',
    ]
    // The command rejects them: a proxy in front of it may route by the other host.
    const expected = kind === 'command' ? '' : '/deep?x=1'
    for (const target of tried(targets)) {
      const { fault, location } = await through(target)
      expect([target, fault, location]).toEqual([target, undefined, expected])
    }
  })

  test('S-052 to the original page only after navigations', async () => {
    gate.use({ provider: providerOf(), unauthenticated: 'redirect' })
    const locationOf = async (method: string, headers: string[], target = '/deep?x=1') => {
      const answer = await sendRawRequest(gate.port, { method, target, headers })
      const begun = {
        answer,
        authorizeUrl: answer.headers['location'] ?? '',
        state: '',
        cookie: answer.headers['set-cookie']?.split(';', 1)[0] ?? '',
      }
      return (await finish(gate, begun)).headers['location']
    }
    expect(await locationOf('GET', [])).toBe('/deep?x=1')
    expect(await locationOf('GET', ['Sec-Fetch-Dest: document'])).toBe('/deep?x=1')
    expect(await locationOf('POST', [])).toBe('/')
    expect(await locationOf('PUT', ['Sec-Fetch-Mode: navigate'])).toBe('/')
    for (const dest of ['image', 'script', 'style', 'iframe', 'worker', 'manifest'])
      expect(await locationOf('GET', [`Sec-Fetch-Dest: ${dest}`])).toBe('/')
    expect(await locationOf('GET', [], `/${'a'.repeat(10_240)}`)).toBe('/')
    expect(await locationOf('GET', [], `/${'a'.repeat(2000)}`)).toBe(`/${'a'.repeat(2000)}`)
  })
})

describe('S-046 in isolation', () => {
  const encrypter = new Encrypter([SECRET])
  const mounts = new Mounts(
    {
      id: undefined,
      baseUrl: undefined,
      basePath: '/auth',
      cookiePrefix: 'ngrok.',
      cookie: {
        domain: undefined,
        sameSite: 'Lax',
        secure: undefined,
        path: undefined,
      },
    },
    createMountState(),
  )
  const callbackPaths = new Map([['idp', '/auth/callback']])
  const specialPaths = new SpecialPaths({ basePath: '/auth', callbackPaths }, new Map())
  const links = new Links({ encrypter, mounts, specialPaths })
  const mount = mounts.of({ headers: {}, socket: {} } as never, {
    mountPath: '',
    original: '/',
    path: '/',
    query: '',
    isRouted: false,
  })
  const decodings = (payload: string) => {
    const all = [payload]
    try {
      all.push(decodeURIComponent(payload), decodeURIComponent(decodeURIComponent(payload)))
    } catch {
      // Not a percent-encoding: the payload as it is.
    }
    return all
  }
  const attacks = payloads.flatMap(({ payload }) => decodings(payload))

  test('S-046 safeReturnPath() lets nothing through that leaves the site', () => {
    const wrong = tried(attacks).filter(
      (payload) => !strictSameSitePath(links.safeReturnPath(mount, payload)),
    )
    expect(wrong).toEqual([])
    expect(links.safeReturnPath(mount, '/fine?x=1')).toBe('/fine?x=1')
  })

  test('S-006, S-046 an encrypted return path is validated again when it is decrypted', () => {
    const until = Date.now() + 60_000
    for (const returnPath of tried(attacks)) {
      const token = encrypter.encrypt(
        'return',
        JSON.stringify({ returnPath, instance: mount.instanceId, until }),
      )
      const request = links.readLogin(mount, new URLSearchParams({ return_token: token }))
      expect(strictSameSitePath(request?.returnPath)).toBe(true)
    }
  })

  test('S-048 a programmatic path with Unicode characters is percent-encoded once', () => {
    const { cases } = corpus<{ cases: { input: string; location: string }[] }>(
      'open-redirect-ok-unicode.json',
    )
    for (const { input, location } of tried(cases))
      expect(links.safeReturnPath(mount, input)).toBe(location)
    for (const target of tried(legitimate)) expect(links.safeReturnPath(mount, target)).toBe(target)
  })

  test('S-049 characters that narrow to CR LF, and all others beyond visible ASCII, never reach Location', () => {
    for (const path of tried([
      '/a\u560d\u560aSet-Cookie:x=y',
      '/a\u010d\u010ab',
      '/a\r\nb',
      '/a\u2028b',
      '/caf\u00e9',
      '/\u{1f600}',
      '/a b',
      '/a\tb',
      '/a\u0000',
    ])) {
      expect(links.safeReturnPath(mount, path)).toMatch(/^\/[\x21-\x7e]*$/)
    }
  })

  test('S-050 replaces a path of the module with the start page, in every spelling', () => {
    for (const target of tried(loops))
      expect(selfLoop(links.safeReturnPath(mount, target))).toBe(false)
  })

  test('S-051 logout.returnTo is rejected at construction or stays on this site', () => {
    const accepted = tried(attacks).filter((returnTo) => {
      try {
        oauthModule({
          provider: providerOf(),
          secret: SECRET,
          logger: silent,
          logout: { returnTo },
        })
        return true
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
        return false
      }
    })
    expect(accepted.filter((returnTo) => !strictSameSitePath(returnTo))).toEqual([])
    expect(() =>
      oauthModule({
        provider: providerOf(),
        secret: SECRET,
        logger: silent,
        logout: { returnTo: '/bye?x=1' },
      }),
    ).not.toThrow()
  })

  test('the oracle recognizes attacks', () => {
    expect(
      attacks.filter((payload) => offSite(payload) || !strictSameSitePath(payload)).length,
    ).toBeGreaterThan(payloads.length / 2)
    expect(offSite('//evil.example')).toBe(true)
    expect(strictSameSitePath('/a?b#c')).toBe(true)
  })
})

describe.each(frameworks)('S-046 with %s, a programmatic return path', (kind) => {
  let gate: Switch
  beforeAll(async () => {
    gate = await startSwitch(kind)
  })
  afterAll(() => gate.close())

  test('of loginUrl() stays on this site', async () => {
    const middleware = gate.use({ provider: providerOf(), unauthenticated: 'pass' })
    const urls: string[] = []
    const asked = sampleFor(kind, payloads).map(({ payload }) => payload)
    gate.middleware = Object.assign(
      (
        req: Parameters<typeof middleware>[0],
        res: Parameters<typeof middleware>[1],
        next: (error?: unknown) => void,
      ) => {
        middleware(req, res, (error) => {
          const { oauth } = req as unknown as {
            oauth?: { loginUrl(options: { returnTo: string }): string }
          }
          if (oauth && urls.length === 0)
            for (const returnTo of asked) urls.push(oauth.loginUrl({ returnTo }))
          next(error)
        })
      },
      middleware,
    )
    await sendRawRequest(gate.port, { target: '/' })
    expect(urls).toHaveLength(asked.length)
    const faults: string[] = []
    for (const [index, url] of urls.entries()) {
      const begun = await begin(gate, url)
      const fault = verdictOf(await finish(gate, begun))
      if (fault !== undefined) faults.push(`${JSON.stringify(asked[index])}: ${fault}`)
    }
    expect(report(faults)).toBe('')
  })
})
