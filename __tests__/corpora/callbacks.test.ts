import { setTimeout as sleep } from 'node:timers/promises'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { Encrypter } from '../../src/http/encryption.js'
import { randomId, sha256 } from '../../src/http/ids.js'
import { createTransactionState, Transactions } from '../../src/oauth/transaction.js'
import { oidcProvider } from '../../src/index.js'
import { triedTimes } from '../support/cases.js'
import { offSite, strictSameSitePath } from './oracle.js'
import {
  begin,
  type Begun,
  CANARY,
  consent,
  cookieOf,
  corpus,
  countOf,
  expand,
  kinds,
  logIn,
  pollution,
  report,
  sampleFor,
  SECRET,
  sendPatiently,
  startSwitch,
  type Switch,
} from '../support/corpus.js'
import { type RawAnswer, sendRawRequest } from '../support/raw.js'

interface Expectation {
  outcome: string
  status: number[]
  tokenRequests?: number | number[]
  sessionCreated?: boolean | null
  transactionConsumed?: boolean
  transactionStillUsable?: boolean
  bodyContains?: string[]
  bodyMustNotContain?: string[]
  headers?: Record<string, string>
  maxBodyBytes?: number
  locationSameSite?: boolean
}

interface Case {
  id: string
  query: string
  cookie: string
  expect: Expectation
  path?: string
  target?: string
  method?: string
  body?: string
  headers?: Record<string, string>
  when?: string
}

const { cases } = corpus<{ cases: Case[] }>('bad-callbacks.json')

/** What a case is about, by the beginning of its id; every case shows that the app is not reached. */
const subjects: readonly (readonly [beginning: RegExp, id: string])[] = [
  [/^(?:state-other|no-cookie|other-cookie|truncated-cookie|empty-cookie|foreign)/, 'S-003'],
  [/^(?:state-consumed|code-wrong)/, 'S-005'],
  [/^state-/, 'S-006'],
  [/^iss-/, 'S-015'],
  [
    /^(?:ok-|dup-|arr-|obj-|dot-|enc-|no-code|empty-|only-|question|amps|in-path|bom|pct-)/,
    'S-017',
  ],
  [/^(?:semicolon|double-encoded|hash-)/, 'S-017'],
  [/^(?:err-|code-and-error)/, 'S-019'],
  [/^(?:implicit|jarm)/, 'S-020'],
  [/^code-/, 'S-021'],
  [/^(?:method-|post-)/, 'S-025'],
  [/^(?:path-|absolute)/, 'S-030'],
  [/^xss-/, 'S-097'],
  [/^(?:err-desc|err-no|xss-desc|error-uri)/, 'S-098'],
]
const requirementsOf = ({ id }: Case) => [
  'S-022',
  ...subjects.flatMap(([beginning, requirement]) => (beginning.test(id) ? [requirement] : [])),
]

// An unhandled rejection fails the test that is running: Jest listens for it.
describe.each(kinds)('S-017, S-018 callbacks with %s', (kind) => {
  let vendor: VendorServer
  let gate: Switch
  beforeAll(async () => {
    vendor = await startVendor('oidc', { settings: { issInCallback: false } })
    gate = await startSwitch(kind)
  })
  afterAll(async () => {
    await gate.close()
    await vendor.close()
  })

  const provider = () => {
    const { issuer, clientId, clientSecret } = vendor.options as Record<string, string>
    return { acme: oidcProvider({ issuer: String(issuer), clientId, clientSecret }) }
  }

  /** What the placeholders of one case stand for; made only where the case asks. */
  async function valuesFor(one: Case, begun: Begun): Promise<Record<string, string>> {
    const text = JSON.stringify(one)
    const values: Record<string, string> = {
      STATE: begun.state,
      ISS: encodeURIComponent(String(vendor.options['issuer'])),
      NONCE_COOKIE: begun.cookie.split('=')[1] ?? '',
    }
    const needsCode =
      text.includes('{{CODE}}') ||
      one.expect.transactionConsumed ||
      one.expect.transactionStillUsable
    if (needsCode) values['CODE'] = (await consent(begun)).get('code') ?? ''
    if (/\{\{(?:STATE2|CODE2)/.test(text)) {
      const other = await begin(gate)
      Object.assign(values, {
        STATE2: other.state,
        CODE2: (await consent(other)).get('code') ?? '',
      })
    }
    if (text.includes('{{STATE_OLD}}') || text.includes('{{CODE_USED}}')) {
      const query = await consent(begun)
      await sendRawRequest(gate.port, {
        target: `/auth/callback?${query}`,
        headers: [`Cookie: ${begun.cookie}`],
      })
      Object.assign(values, { STATE_OLD: begun.state, CODE_USED: query.get('code') ?? '' })
    }
    if (text.includes('{{ID_TOKEN}}'))
      values['ID_TOKEN'] = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln'
    return values
  }

  async function cookieFor(
    one: Case,
    begun: Begun,
    session: () => Promise<string>,
  ): Promise<string[]> {
    const [name = '', value = ''] = begun.cookie.split('=')
    const jars: Record<string, () => string | undefined | Promise<string>> = {
      own: () => begun.cookie,
      consumed: () => begun.cookie,
      none: () => undefined,
      other: async () => (await begin(gate)).cookie,
      'session-only': session,
      tampered: () => `${name}=${expand('{{V:flip}}', { V: value })}`,
      truncated: () => `${name}=${value.slice(0, -3)}`,
      empty: () => `${name}=`,
      // A value that was encrypted with another secret looks random.
      'foreign-secret': () => `${name}=${randomBytes(32).toString('base64url')}`,
      'session-as-nonce': async () => `${name}=${(await session()).split('=')[1]}`,
      'other-instance': async () => (await begin(gate)).cookie.replace('ngrok.', 'other.'),
      'dup-one-valid': () => `${name}=${randomBytes(32).toString('base64url')}; ${begun.cookie}`,
      'own+20-stale': () =>
        [
          ...Array.from(
            { length: 20 },
            (_, index) =>
              `ngrok.nonce.${index.toString(16).padStart(8, '0')}=${randomBytes(32).toString('base64url')}`,
          ),
          begun.cookie,
        ].join('; '),
    }
    const make = jars[one.cookie]
    if (make === undefined)
      throw new Error(`the corpus asks for a cookie that is unknown here: ${one.cookie}`)
    const cookie = await make()
    return cookie === undefined ? [] : [`Cookie: ${cookie}`]
  }

  async function send(
    one: Case,
    values: Record<string, string>,
    cookies: string[],
  ): Promise<RawAnswer> {
    const query = expand(one.query, values)
    const target =
      one.target === undefined
        ? `${expand(one.path ?? '/auth/callback', values)}${query === '' ? '' : `?${query}`}`
        : expand(one.target, values)
    const headers = [
      ...cookies,
      ...Object.entries(one.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    ]
    const method = one.method ?? 'GET'
    const body = expand(one.body ?? '', values)
    if (body.length < 65_536) return sendRawRequest(gate.port, { method, target, headers, body })
    // The response comes before the whole body was sent.
    const head = [
      `${method} ${target} HTTP/1.1`,
      `Host: localhost:${gate.port}`,
      ...headers,
      `Content-Length: ${body.length}`,
      '',
      '',
    ].join('\r\n')
    const text = await sendPatiently(gate.port, head + body.slice(0, 32_768))
    const lines =
      text
        .split('\r\n\r\n', 1)[0]
        ?.split('\r\n')
        .slice(1)
        .map((line): [string, string] => [
          line.split(':', 1)[0] ?? '',
          line.slice(line.indexOf(':') + 1).trim(),
        ]) ?? []
    return {
      status: Number(text.split(' ')[1]),
      lines,
      headers: Object.fromEntries(lines.map(([name, value]) => [name.toLowerCase(), value])),
      body: '',
      text,
    }
  }

  function faultsOf(
    { expect: wanted, ...one }: Case,
    answer: RawAnswer,
    tokenRequests: number,
    sessions: number,
  ): string[] {
    const faults: string[] = []
    const check = (isGood: boolean, what: string) =>
      void (isGood || faults.push(`${one.id}: ${what}`))
    check(
      wanted.status.includes(answer.status),
      `status ${answer.status} ${answer.headers['location'] ?? ''}`,
    )
    if (wanted.tokenRequests !== undefined)
      check(
        [wanted.tokenRequests].flat().includes(tokenRequests),
        `${tokenRequests} token requests`,
      )
    if (typeof wanted.sessionCreated === 'boolean')
      check(sessions === Number(wanted.sessionCreated), `${sessions} sessions`)
    check(
      (cookieOf(answer, 'session') !== '') === (sessions === 1),
      'a cookie without a session, or the other way round',
    )
    // Nonces and encrypted tokens are random, and may contain any short string.
    const shown = answer.body
      .replace(/<style[\s\S]*?<\/style>/g, '')
      .replace(/(?:return_token|confirm)=[\w-]+/g, '')
    for (const part of wanted.bodyContains ?? [])
      check(shown.includes(part), `the page lacks ${part}`)
    for (const part of wanted.bodyMustNotContain ?? [])
      check(!shown.includes(part), `the page has ${part}`)
    for (const [name, value] of Object.entries(wanted.headers ?? {})) {
      const actual = answer.headers[name] ?? ''
      const part = value.startsWith('contains ') ? value.slice(9) : undefined
      check(part === undefined ? actual === value : actual.includes(part), `${name}: ${actual}`)
    }
    if (wanted.maxBodyBytes !== undefined)
      check(
        Buffer.byteLength(answer.body) <= wanted.maxBodyBytes,
        `${answer.body.length} characters`,
      )
    check(
      answer.headers['cache-control'] === 'no-store',
      `Cache-Control: ${answer.headers['cache-control']}`,
    )
    const location = answer.headers['location']
    if (location !== undefined) {
      const isAuthorize = location.startsWith(`${vendor.origin}/authorize?`)
      check(
        isAuthorize || (!offSite(location) && strictSameSitePath(location)),
        `Location ${location}`,
      )
    }
    check(!answer.text.includes(CANARY), 'the app answered')
    return faults
  }

  async function run(one: Case): Promise<string[]> {
    vendor.settings.issInCallback = one.when === 'iss advertised'
    const begun = await begin(gate, '/deep')
    const values = await valuesFor(one, begun)
    const session = async () =>
      values['SESSION_COOKIE'] ?? (values['SESSION_COOKIE'] = await logIn(gate))
    if (JSON.stringify(one).includes('{{SESSION}}'))
      values['SESSION'] = (await session()).split('=')[1] ?? ''
    const cookies = await cookieFor(one, begun, session)
    const before = { token: countOf(vendor, 'token'), sessions: gate.store.sessions }
    const answer = await send(one, values, cookies)
    const faults = faultsOf(
      one,
      answer,
      countOf(vendor, 'token') - before.token,
      gate.store.sessions - before.sessions,
    )
    if (one.expect.transactionConsumed || one.expect.transactionStillUsable) {
      const again = await sendRawRequest(gate.port, {
        target: `/auth/callback?code=${values['CODE']}&state=${begun.state}`,
        headers: [`Cookie: ${begun.cookie}`],
      })
      const isUsable = again.status === 302 && again.headers['location'] === '/deep'
      if (isUsable !== (one.expect.transactionStillUsable === true))
        faults.push(`${one.id}: the state ${isUsable ? 'still works' : 'was used up'}`)
    }
    return faults
  }

  test('S-003 S-005 S-006 S-015 S-017 S-019 S-020 S-021 S-022 S-025 S-030 S-097 S-098 get the response that the corpus expects', async () => {
    gate.use({ provider: provider() })
    const advertised = cases.filter(({ when }) => when === 'iss advertised')
    const others = cases.filter(({ when }) => when !== 'iss advertised')
    const faults: string[] = []
    for (const one of sampleFor(kind, others, requirementsOf)) faults.push(...(await run(one)))
    vendor.settings.issInCallback = true
    gate.use({ provider: provider() })
    for (const one of sampleFor(kind, advertised, requirementsOf)) faults.push(...(await run(one)))
    vendor.settings.issInCallback = false
    expect(report(faults)).toBe('')
    expect(gate.upstream.calls).toBe(0)
    expect(gate.errors).toEqual([])
    expect(pollution()).toEqual([])
    expect(others.length).toBeGreaterThan(100)
  })

  test('S-003 reject wrong cookies: tampered, a session cookie, another instance, many stale ones', async () => {
    gate.use({ provider: provider() })
    const reject = { outcome: 'reject', status: [400], tokenRequests: 0, sessionCreated: false }
    const login = { outcome: 'login', status: [302], tokenRequests: 1, sessionCreated: true }
    const query = 'code={{CODE}}&state={{STATE}}'
    const more: Case[] = [
      { id: 'tampered', query, cookie: 'tampered', expect: reject },
      { id: 'session-as-nonce', query, cookie: 'session-as-nonce', expect: reject },
      { id: 'other-instance', query, cookie: 'other-instance', expect: reject },
      { id: 'dup-one-valid', query, cookie: 'dup-one-valid', expect: login },
      { id: 'own+20-stale', query, cookie: 'own+20-stale', expect: login },
    ]
    const faults: string[] = []
    for (const one of more) faults.push(...(await run(one)))
    expect(report(faults)).toBe('')
  })

  test('S-018 thousands of generated queries each get a response, without a login, a token request or a crash', async () => {
    gate.use({ provider: provider() })
    const begun = await begin(gate)
    const random = seeded(20_260_817)
    const total = kind === 'express' ? 10_000 : 1_000
    const token = countOf(vendor, 'token')
    const odd: string[] = []
    for (let count = 0; count < total; count += 50) {
      const queries = Array.from({ length: 50 }, () => fuzz(random, begun.state))
      const answers = await Promise.all(
        queries.map((query) => sendRawRequest(gate.port, { target: `/auth/callback?${query}` })),
      )
      answers.forEach(({ status, text }, index) => {
        if (status !== 400 || text.includes(CANARY)) odd.push(`${status} ${queries[index]}`)
      })
    }
    expect(report(odd)).toBe('')
    triedTimes(total)
    expect(countOf(vendor, 'token')).toBe(token)
    expect(gate.store.writes).toBe(0)
    expect(gate.errors).toEqual([])
  })

  test('S-023 a stale callback of a logged-in user redirects to / and keeps the session', async () => {
    gate.use({ provider: provider() })
    const session = await logIn(gate)
    const begun = await begin(gate)
    const query = await consent(begun)
    const stale = await sendRawRequest(gate.port, {
      target: `/auth/callback?${query}`,
      headers: [`Cookie: ${session}`],
    })
    expect([stale.status, stale.headers['location'], stale.headers['set-cookie']]).toEqual([
      302,
      '/',
      undefined,
    ])
    // An unknown state is rejected as well.
    for (const target of [
      `/auth/callback?code=x&state=${session.split('=')[1]}`,
      '/auth/callback?code=x&state=y',
      '/auth/callback',
    ]) {
      expect(
        (await sendRawRequest(gate.port, { target, headers: [`Cookie: ${session}`] })).status,
      ).toBe(400)
    }
    expect(
      (await sendRawRequest(gate.port, { target: '/', headers: [`Cookie: ${session}`] })).status,
    ).toBe(200)
  })

  test('S-005 two simultaneous callbacks with one state create one session, and one of them leads to the page', async () => {
    gate.use({ provider: provider() })
    const begun = await begin(gate, '/deep')
    const target = `/auth/callback?${await consent(begun)}`
    // So that the others arrive while the first one waits.
    const restore = vendor.respond('token', async () => {
      await sleep(300)
      return undefined
    })
    const answers = await Promise.all(
      [0, 1, 2].map(() =>
        sendRawRequest(gate.port, { target, headers: [`Cookie: ${begun.cookie}`] }),
      ),
    )
    restore()
    const locations = answers.map(({ headers }) => headers['location'])
    expect(locations.sort()).toEqual(['/', '/', '/deep'])
    expect(gate.store.sessions).toBe(1)
  })
})

describe('S-046 a transaction', () => {
  test('S-006 that was encrypted with an off-site return path is invalid', () => {
    const encrypter = new Encrypter([SECRET])
    const transactions = new Transactions(encrypter, createTransactionState())
    const cookieHash = sha256(randomId())
    const stateWith = (returnPath: string) =>
      encrypter.encrypt(
        'state',
        JSON.stringify({ cookieHash, startedAt: Date.now(), provider: 'acme', returnPath }),
      )
    const { cases: payloads } = corpus<{ cases: { payload: string }[] }>('open-redirect.json')
    const returnPathOf = (path: string) => {
      const read = transactions.read(stateWith(path), Date.now())
      return read.transaction === undefined ? [] : [read.transaction.returnPath]
    }
    const read = payloads.flatMap(({ payload }) => returnPathOf(payload))
    expect(read.filter((path) => !strictSameSitePath(path))).toEqual([])
    expect(returnPathOf('/fine')).toEqual(['/fine'])
  })
})

/** mulberry32: the same sequence on every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const pieces = [
  'code',
  'state',
  'error',
  'iss',
  'error_description',
  'id_token',
  '=',
  '&',
  ';',
  '%',
  '%00',
  '%zz',
  '%E0%A4',
  '+',
  '[]',
  '[__proto__]',
  '__proto__',
  '.',
  '/',
  '..',
  '#',
  '?',
  '\\',
  "'",
  '"',
  '<',
  '{{',
  'constructor',
  'null',
  'A'.repeat(300),
]

/**
 * A query that no login made; now and then with a state that is ours, though never with its cookie.
 */
function fuzz(random: () => number, state: string): string {
  const length = 1 + Math.floor(random() * 14)
  const parts = Array.from({ length }, () => {
    const roll = random()
    if (roll < 0.1) return state
    if (roll < 0.75) return pieces[Math.floor(random() * pieces.length)] ?? ''
    return String.fromCharCode(0x21 + Math.floor(random() * 94))
  })
  return parts.join('')
}
