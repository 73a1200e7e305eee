import { domainToASCII } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer, type VendorEndpoint } from '../../src/dev/vendors/index.js'
import { defineProvider, githubProvider, oidcProvider, type Logger } from '../../src/index.js'
import {
  begin,
  type Begun,
  CANARY,
  consent,
  cookieOf,
  corpus,
  kinds,
  pollution,
  report,
  sampleFor,
  startSwitch,
  type Switch,
} from '../support/corpus.js'
import { type FaultyServer, startFaulty } from '../support/faulty.js'
import { play, type Respond } from '../support/idp-answers.js'
import { type RawAnswer, sendRawRequest } from '../support/raw.js'

interface Case {
  id: string
  endpoint: string
  respond: Respond
  provider?: string
  options?: Record<string, string[]>
  expect: {
    result: string
    status: number[]
    session: boolean | null
    otherHostRequests?: number
    browserHeadersAbsent?: string[]
    upstream?: Record<string, string>
    authorizeRedirect?: boolean
    authorizeParamsUnique?: boolean | string[]
    authorizeHas?: string[]
    idpRequests?: number
  }
}

const cases = corpus<{ cases: Case[] }>('bad-userinfo.json').cases.filter(
  ({ endpoint }) => endpoint !== 'refresh',
)
const good = { sub: 'u-1', name: 'Alice', email: 'alice@corp.example', email_verified: true }

type Flavour = 'plain' | 'oidc' | 'github'

const flavoursOf = ({ provider, endpoint, respond }: Case): Flavour[] => {
  if (provider === 'github') return ['github']
  if (provider !== undefined || ['discovery', 'jwks'].includes(endpoint)) return ['oidc']
  // Without an ID token the response is not one of OpenID Connect, so only the plain flavour is
  // meaningful.
  return endpoint === 'token' && respond.body?.startsWith('{') !== true
    ? ['plain']
    : ['plain', 'oidc']
}

describe.each(kinds)('provider responses with %s:', (kind) => {
  let vendors: Record<Flavour, VendorServer>
  let faulty: FaultyServer
  let gate: Switch
  const log: string[] = []
  const write = (message: string, facts?: object) =>
    void log.push(message + JSON.stringify(facts ?? {}))
  const logger: Logger = { debug: write, info: write, warn: write, error: write }

  beforeAll(async () => {
    const [plain, oidc, github] = await Promise.all([
      startVendor('oauth2'),
      startVendor('oidc', { settings: { issInCallback: false } }),
      startVendor('github'),
    ])
    vendors = { plain, oidc, github }
    faulty = await startFaulty()
    gate = await startSwitch(kind)
  })
  afterAll(async () => {
    faulty.close()
    await Promise.all([gate.close(), ...Object.values(vendors).map((vendor) => vendor.close())])
  })
  beforeEach(() => {
    log.length = 0
    gate.errors.length = 0
  })

  /** Who logs in: as the ID token, and userinfo unless the case replaces it, say. */
  function prepare(one: Case, flavour: Flavour): VendorServer {
    const vendor = vendors[flavour]
    vendor.requests.length = 0
    vendor.claims()
    for (const endpoint of [
      'token',
      'userinfo',
      'discovery',
      'jwks',
      'user',
      'emails',
      'orgs',
      'teams',
    ] as const)
      vendor.respond(endpoint, undefined)
    const sub = one.provider === 'microsoft' ? 's' : 'u-1'
    vendor.user = {
      ...vendor.user,
      id: flavour === 'github' ? 42 : sub,
      name: 'Alice',
      email: good.email,
      emailVerified: true,
      emails: undefined,
      organizations: [],
      teams: [],
    }
    if (flavour === 'plain')
      vendor.respond('userinfo', {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(good),
      })
    // Only userinfo says who it is: what the case replaces must decide.
    if (flavour === 'oidc')
      vendor.claims(
        ({
          name: _n,
          email: _e,
          email_verified: _v,
          preferred_username: _u,
          at_hash: _h,
          ...rest
        }) => rest,
      )
    return vendor
  }

  function providerOf(
    flavour: Flavour,
    vendor: VendorServer,
    endpoints: Record<string, string>,
    options: Record<string, unknown>,
  ) {
    const client = { clientId: vendor.clientId, clientSecret: vendor.clientSecret }
    if (flavour === 'github') {
      const own = vendor.options as { endpoints?: Record<string, string> }
      return githubProvider({
        ...own,
        ...options,
        ...(Object.keys(endpoints).length > 0 && {
          endpoints: { ...own.endpoints, ...endpoints },
        }),
      })
    }
    const extra = Object.keys(endpoints).length > 0 ? { endpoints } : {}
    if (flavour === 'oidc')
      return oidcProvider({
        issuer: String(vendor.options['issuer']),
        ...client,
        ...extra,
        ...options,
      })
    const { authorizationUrl, tokenUrl, userinfoUrl } = vendor.options as Record<string, string>
    const own = {
      authorization: String(authorizationUrl),
      token: String(tokenUrl),
      userinfo: String(userinfoUrl),
    }
    return defineProvider({
      openid: false,
      scopes: ['profile'],
      ...client,
      endpoints: { ...own, ...endpoints },
      ...options,
    })
  }

  const names: Record<string, { endpoint: VendorEndpoint; option: string }> = {
    token: { endpoint: 'token', option: 'token' },
    userinfo: { endpoint: 'userinfo', option: 'userinfo' },
    discovery: { endpoint: 'discovery', option: 'discovery' },
    jwks: { endpoint: 'jwks', option: 'jwks' },
    'github:/user/emails': { endpoint: 'emails', option: 'api' },
    'github:/user/orgs': { endpoint: 'orgs', option: 'api' },
    'github:/user/teams': { endpoint: 'teams', option: 'api' },
  }

  async function spoil(
    one: Case,
    flavour: Flavour,
    vendor: VendorServer,
  ): Promise<Record<string, string>> {
    const name = names[one.endpoint]
    if (name === undefined)
      throw new Error(`the corpus names an endpoint that is unknown here: ${one.endpoint}`)
    const endpoint = flavour === 'github' && one.endpoint === 'userinfo' ? 'user' : name.endpoint
    const keySet =
      flavour === 'oidc'
        ? ((await (await fetch(`${vendor.origin}/jwks`)).json()) as {
            keys: Record<string, unknown>[]
          })
        : { keys: [] }
    const [key = {}] = keySet.keys
    const values = {
      ISS: String(vendor.options['issuer'] ?? vendor.origin),
      GOOD: JSON.stringify(key),
    }
    vendor.requests.length = 0
    const played = play(one.respond, faulty, values, { good: key })
    if ('url' in played) {
      if (flavour !== 'oidc' || one.endpoint !== 'token' || one.expect.session === false)
        return { [name.option]: played.url }
      // An ID token of its own is not to be had from there.
      return {}
    }
    if (one.respond.body?.startsWith('PAGED:'))
      vendor.respond(endpoint, (request) =>
        emailPage(request.query.get('page') ?? '1', vendor.origin, request.url),
      )
    else if (flavour === 'oidc' && one.endpoint === 'token')
      await withIdToken(vendor, played.answer as { body: string })
    else vendor.respond(endpoint, played.answer)
    return {}
  }

  /** The token response of the corpus with an ID token for the login, signed by the vendor. */
  async function withIdToken(vendor: VendorServer, answer: { body: string }): Promise<void> {
    vendor.respond('userinfo', {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(good),
    })
    vendor.respond('token', async (request) => {
      vendor.respond('token', undefined)
      const own = await fetch(`${vendor.origin}/token`, {
        method: 'POST',
        body: request.body,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      const { id_token } = (await own.json()) as Record<string, string>
      return {
        ...answer,
        body: answer.body.replace(/\}$/, `, "id_token": ${JSON.stringify(id_token)}}`),
      }
    })
  }

  async function attempt(
    one: Case,
  ): Promise<{ first: RawAnswer; begun: Begun | undefined; last: RawAnswer }> {
    const first = await sendRawRequest(gate.port, { target: '/deep' })
    if (first.status !== 302) return { first, begun: undefined, last: first }
    const begun = await begin(gate, '/deep')
    const url = new URL(begun.authorizeUrl)
    if (one.expect.authorizeParamsUnique)
      for (const name of url.searchParams.keys())
        expect([one.id, name, url.searchParams.getAll(name).length]).toEqual([one.id, name, 1])
    const query = await consent({ authorizeUrl: url.href })
    const last = await sendRawRequest(gate.port, {
      target: `/auth/callback?${query}`,
      headers: [`Cookie: ${begun.cookie}`],
    })
    return { first, begun, last }
  }

  async function run(one: Case, flavour: Flavour): Promise<string[]> {
    const vendor = prepare(one, flavour)
    const endpoints = await spoil(one, flavour, vendor)
    const isSlow =
      /hang|never|per second/.test(one.respond.behaviour ?? '') || one.respond.bodyGen !== undefined
    const use = (options: Record<string, unknown>) =>
      gate.use({
        provider: { acme: providerOf(flavour, vendor, endpoints, options) },
        logger,
        timeouts: { provider: isSlow ? 0.3 : 15 },
      })
    try {
      use(one.options ?? {})
    } catch (error) {
      // A domain is written in punycode: the refusal says so.
      expect(String(error)).toContain('punycode')
      use(
        Object.fromEntries(
          Object.entries(one.options ?? {}).map(([name, list]) => [
            name,
            list.map((item) => domainToASCII(item)),
          ]),
        ),
      )
    }
    const calls = gate.upstream.calls
    if (one.id.includes('concurrent'))
      await Promise.all(
        Array.from({ length: 100 }, () => sendRawRequest(gate.port, { target: '/deep' })),
      )
    const { first, begun, last } = await attempt(one)
    const faults: string[] = []
    const check = (isGood: boolean, what: string) =>
      void (isGood || faults.push(`${one.id} (${flavour}): ${what}`))
    const { expect: wanted } = one
    // A provider that does not respond in time results in 504, for any request.
    const statuses = one.id === 'discovery-hang' ? [...wanted.status, 504] : wanted.status
    const isIn = last.status === 302
    // Node's fetch fails at an unexpected interim response: the login fails, and nothing else
    // happens.
    if (one.respond.behaviour?.startsWith('100 Continue') && last.status === 502) return []
    check(
      statuses.includes(last.status),
      `status ${last.status} ${last.headers['location'] ?? ''} ${log.at(-1)}`,
    )
    if (wanted.session !== null) check(isIn === wanted.session, `session ${isIn}`)
    check(
      gate.store.sessions === Number(isIn) && (cookieOf(last, 'session') !== '') === isIn,
      'a row without a login, or the other way round',
    )
    if (isIn) check(last.headers['location'] === '/deep', `Location ${last.headers['location']}`)
    check(last.headers['cache-control'] === 'no-store', 'it may be stored')
    check(gate.upstream.calls === calls && !last.text.includes(CANARY), 'the app was called')
    if (wanted.authorizeRedirect === false) check(first.status !== 302, 'a login begins')
    if (wanted.authorizeHas)
      check(
        wanted.authorizeHas.every(
          (part) => begun?.authorizeUrl.includes(part.split(' ')[0] ?? part) === true,
        ),
        `no ${wanted.authorizeHas} in ${begun?.authorizeUrl}`,
      )
    if (wanted.idpRequests !== undefined)
      check(
        vendor.requests.filter((request) => request.endpoint === one.endpoint).length ===
          wanted.idpRequests,
        'more requests than one',
      )
    for (const part of wanted.browserHeadersAbsent ?? [])
      check(!last.text.toLowerCase().includes(part), `the browser got ${part}`)
    check(faulty.strayed.length === 0, `followed to ${faulty.strayed}`)
    faulty.strayed.length = 0
    if (!isIn)
      check(
        Number(last.headers['retry-after'] ?? (last.status === 503 ? 0 : 1)) > 0,
        '503 without Retry-After',
      )
    // Encrypted tokens in links are random, and may contain any four characters by chance.
    const page = last.text.replaceAll(/(return_token|confirm)=[\w-]+/g, '$1=')
    const shown = page + log.join('\n')
    const secrets = [
      vendor.clientSecret,
      'at-1',
      'rt-1',
      begun?.cookie.split('=')[1],
      'API rate limit exceeded',
      'Maintenance',
    ]
    for (const secret of secrets.filter((text) => text !== undefined))
      check(!shown.includes(secret), `${secret} is shown or logged`)
    check(!/\n\s+at .*[jt]s:\d+/.test(last.text), 'a stack trace')
    if (isIn) faults.push(...(await passes(one, last)))
    log.length = 0
    return faults
  }

  /** The session works, and its headers are ones that can be sent on. */
  async function passes(one: Case, last: RawAnswer): Promise<string[]> {
    const answer = await sendRawRequest(gate.port, {
      target: '/',
      headers: [`Cookie: ${cookieOf(last, 'session')}`],
    })
    const { headers } = gate.upstream
    const values = Object.entries(headers).filter(([name]) => name.startsWith('ngrok-auth-'))
    const bad = values.filter(
      ([, value]) =>
        !/^[\x20-\x7e]{1,8192}$/.test(String(value)) ||
        /^(?:undefined|null)$|\[object/.test(String(value)),
    )
    const name = headers['ngrok-auth-user-name']
    const isAsSaid =
      !/absent/.test(one.expect.upstream?.['ngrok-auth-user-name'] ?? '') ||
      name === undefined ||
      name === '5'
    return answer.status === 200 && bad.length === 0 && isAsSaid
      ? []
      : [`${one.id}: passes with ${answer.status} ${JSON.stringify(bad)} ${name}`]
  }

  /** Runs the cases of an endpoint. */
  async function runAll(group: string, idsOf: (one: Case) => readonly string[]): Promise<void> {
    const chosen = sampleFor(
      kind,
      cases.filter(({ endpoint }) => endpoint.startsWith(group)),
      idsOf,
    )
    const faults: string[] = []
    for (const one of chosen)
      for (const flavour of flavoursOf(one)) faults.push(...(await run(one, flavour)))
    expect(report(faults)).toBe('')
    expect(gate.errors).toEqual([])
    expect(pollution()).toEqual([])
    expect(chosen.length).toBeGreaterThan(0)
  }

  test('S-036 S-043 S-109 those of the token endpoint have the result that the corpus expects', async () => {
    await runAll('token', tokenRequirements)
  })

  test('S-033 S-040 S-075 S-082 S-083 S-084 S-109 those of the userinfo endpoint have the result that the corpus expects', async () => {
    await runAll('userinfo', userinfoRequirements)
  })

  test('S-001 S-012 S-034 S-042 S-109 discovery documents have the result that the corpus expects', async () => {
    await runAll('discovery', ({ id }) =>
      /huge|hang|redirect/.test(id)
        ? ['S-109']
        : /dup|query/.test(id)
          ? ['S-012']
          : /pkce/.test(id)
            ? ['S-001']
            : ['S-034', 'S-042'],
    )
  })

  test('S-034 S-037 S-041 S-109 key sets have the result that the corpus expects', async () => {
    await runAll('jwks', ({ id }) => (/down/.test(id) ? ['S-034', 'S-041'] : ['S-034', 'S-037']))
  })

  test('S-083 S-085 those of the API of GitHub have the result that the corpus expects', async () => {
    await runAll('github', ({ id }) => (/email/.test(id) ? ['S-083'] : ['S-085']))
  })
})

function tokenRequirements({ id }: Case): readonly string[] {
  if (/hang|drip|huge|gzip-bomb|reset|close|tls|redirect|length|100|103|cookie/.test(id))
    return ['S-109']
  // The case of `token_type`, and what may be missing.
  return /bearer-lower|token-ok|expires-in/.test(id) ? ['S-036', 'S-043'] : ['S-043']
}

function userinfoRequirements({ id }: Case): readonly string[] {
  if (id.startsWith('sub-')) return ['S-033', 'S-040']
  if (id.startsWith('email-verified') || id === 'ms-no-email') return ['S-083']
  if (/^(?:email-type|.*-id-bad|userinfo-(?:body|proto))/.test(id)) return ['S-084']
  if (id.startsWith('email-')) return ['S-082']
  return id.startsWith('name-') ? ['S-075'] : ['S-109']
}

/** 100 addresses, and the primary one on the second page. */
function emailPage(page: string, origin: string, url: string) {
  const link = `<${origin}${url.split('?')[0]}?per_page=100&page=2>; rel="next"`
  const others = Array.from({ length: 100 }, (_, index) => ({
    email: `a${index}@evil.example`,
    primary: false,
    verified: true,
  }))
  const body =
    page === '1' ? others : [{ email: 'alice@corp.example', primary: true, verified: true }]
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...(page === '1' && { link }) },
    body: JSON.stringify(body),
  }
}
