import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { readCookies } from '../../src/http/cookies.js'
import { randomId } from '../../src/http/ids.js'
import {
  begin,
  CANARY,
  corpus,
  expand,
  kinds,
  logIn,
  pollution,
  report,
  sampleFor,
  startSwitch,
  type Switch,
} from '../support/corpus.js'
import { plainOf } from '../support/plain.js'
import { type RawAnswer, sendRawRequest } from '../support/raw.js'

interface Case {
  id: string
  cookie: string[]
  expect: 'authenticated' | 'unauthenticated' | 'either'
  encoding?: 'latin1' | 'utf8'
  storeGetMax?: number
  oneUser?: boolean
}

const { cases } = corpus<{ cases: Case[] }>('bad-cookies.json')

interface Scheme {
  name: string
  baseUrl?: string
  headers: string[]
}

const schemes: (Scheme & { label: string })[] = [
  { label: 'over http', name: 'ngrok.session', headers: [] },
  {
    label: 'over https',
    name: '__Host-ngrok.session',
    baseUrl: 'https://app.example.com',
    headers: ['Host: app.example.com'],
  },
]

describe.each(kinds)('S-055, S-056, S-066, S-067 Cookie headers with %s', (kind) => {
  let vendor: VendorServer
  let gate: Switch
  beforeAll(async () => {
    vendor = await startVendor('oauth2')
    gate = await startSwitch(kind)
  })
  afterAll(async () => {
    await gate.close()
    await vendor.close()
  })

  const valueOf = (cookie: string) => cookie.slice(cookie.indexOf('=') + 1)

  async function logInAs(id: string, headers: string[]): Promise<string> {
    vendor.user = { ...vendor.user, id }
    return valueOf(await logIn(gate, headers))
  }

  /** Sessions that are live, and ids that once were. */
  async function values({ name, headers }: Scheme): Promise<Record<string, string>> {
    const loggedOut = await logInAs('user-x', headers)
    const out = await sendRawRequest(gate.port, {
      target: '/auth/logout',
      headers: [`Cookie: ${name}=${loggedOut}`, ...headers],
    })
    expect(out.status).toBe(200)
    // Its `-` and `_` are what one of the cases swaps.
    let own = await logInAs('user-a', headers)
    while (!/[-_]/.test(own)) own = await logInAs('user-a', headers)
    const begun = await begin(gate, '/', headers)
    const [nonceName = '', nonce = ''] = begun.cookie.split('=')
    return {
      NAME: name,
      NONCE_NAME: nonceName,
      NONCE: nonce,
      SID: own,
      SID_B: await logInAs('user-b', headers),
      RANDOM_SID: randomId(),
      SID_LOGGED_OUT: loggedOut,
      SID_EVICTED: randomId(),
      SID_EXPIRED: randomId(),
      SID_OLDPREFIX: randomId(),
    }
  }

  function faultsOf(
    { id, expect: wanted, storeGetMax }: Case,
    answer: RawAnswer,
    gets: number,
    known: ReadonlySet<string>,
  ): string[] {
    const faults: string[] = []
    const isIn = answer.status === 200 && answer.body.includes(CANARY)
    const isOut =
      answer.status === 302 &&
      (answer.headers['location'] ?? '').startsWith(`${vendor.origin}/authorize?`)
    if (id === 'header-16k') return answer.status === 431 ? [] : [`${id}: ${answer.status}`]
    if (!isIn && !isOut)
      faults.push(`${id}: status ${answer.status} ${answer.headers['location'] ?? ''}`)
    if (wanted === 'authenticated' && !isIn) faults.push(`${id}: not authenticated`)
    if (wanted === 'unauthenticated' && isIn) faults.push(`${id}: authenticated`)
    // More than four same-name cookies are never looked up, whatever the case says.
    if (gets > (storeGetMax ?? 4)) faults.push(`${id}: ${gets} reads of the store`)
    if (isIn && (JSON.parse(answer.body) as { id: string }).id !== 'user-a')
      faults.push(`${id}: somebody else`)
    const set = answer.headers['set-cookie'] ?? ''
    if ([...known].some((value) => set.includes(value)))
      faults.push(`${id}: an id of the client's in Set-Cookie`)
    if (/(?:^|\n)[^=\n]*session=[^;\s]/.test(set)) faults.push(`${id}: a session cookie`)
    return faults
  }

  test.each(schemes)(
    'are parsed as the corpus expects, $label',
    async ({ name, baseUrl, headers }) => {
      gate.use({ provider: { acme: plainOf(vendor) }, ...(baseUrl !== undefined && { baseUrl }) })
      const known = await values({ name, headers })
      const ids = new Set(
        Object.entries(known).flatMap(([key, value]) =>
          /^(?:SID|RANDOM)/.test(key) ? [value] : [],
        ),
      )
      const rows = gate.store.sessions
      const faults: string[] = []
      for (const one of sampleFor(kind, cases)) {
        const lines = one.cookie.map(
          (value) =>
            `Cookie: ${Buffer.from(expand(value, known), one.encoding ?? 'latin1').toString('latin1')}`,
        )
        const before = gate.store.gets
        const answer = await sendRawRequest(gate.port, {
          target: '/',
          headers: [...lines, ...headers],
        })
        faults.push(...faultsOf(one, answer, gate.store.gets - before, ids))
      }
      expect(report(faults)).toBe('')
      expect(gate.store.sessions).toBe(rows)
      expect(gate.errors).toEqual([])
      expect(pollution()).toEqual([])
    },
    60_000,
  )

  test('S-067 the first valid one of at most four session cookies counts', async () => {
    gate.use({ provider: { acme: plainOf(vendor) } })
    const { SID = '', SID_B = '' } = await values({ name: 'ngrok.session', headers: [] })
    const dead = () => `ngrok.session=${randomId()}`
    const ask = async (cookies: string[]) => {
      const before = gate.store.gets
      const { status, body } = await sendRawRequest(gate.port, {
        target: '/',
        headers: [`Cookie: ${cookies.join('; ')}`],
      })
      return [
        status,
        status === 200 ? (JSON.parse(body) as { id: string }).id : undefined,
        gate.store.gets - before,
      ]
    }
    const [a, b] = [`ngrok.session=${SID}`, `ngrok.session=${SID_B}`]
    expect(await ask([a, b])).toEqual([200, 'user-a', 1])
    expect(await ask([b, a])).toEqual([200, 'user-b', 1])
    expect(await ask([dead(), a])).toEqual([200, 'user-a', 2])
    expect(await ask([dead(), dead(), dead(), a])).toEqual([200, 'user-a', 4])
    expect(await ask([dead(), dead(), dead(), dead(), a])).toEqual([302, undefined, 4])
    // What has not even the form of an id takes no place among the four.
    expect(
      await ask([...Array.from({ length: 50 }, (_, index) => `ngrok.session=junk${index}`), a]),
    ).toEqual([200, 'user-a', 1])
  })

  test('S-066 a session id is not accepted as a transaction, nor a transaction cookie as a session', async () => {
    gate.use({ provider: { acme: plainOf(vendor) } })
    const {
      SID = '',
      NONCE = '',
      NONCE_NAME = '',
    } = await values({ name: 'ngrok.session', headers: [] })
    const begun = await begin(gate)
    const [transaction = ''] = begun.cookie.split('=')
    const callback = {
      target: `/auth/callback?code=x&state=${begun.state}`,
      headers: [`Cookie: ${transaction}=${SID}`],
    }
    expect((await sendRawRequest(gate.port, callback)).status).toBe(400)
    for (const value of [NONCE, begun.state])
      expect(
        (
          await sendRawRequest(gate.port, {
            target: '/',
            headers: [`Cookie: ngrok.session=${value}`],
          })
        ).status,
      ).toBe(302)
    expect(
      (await sendRawRequest(gate.port, { target: '/', headers: [`Cookie: ${NONCE_NAME}=${SID}`] }))
        .status,
    ).toBe(302)
  })
})

describe('S-067 the Cookie header', () => {
  test('is parsed in linear time: the longest header of separators, quotes or names yields no cookie and no error', () => {
    const long = 16_384
    for (const filler of [
      ';',
      '=',
      '"',
      ' ',
      '\t',
      '; ',
      '=;',
      'ngrok.session',
      'ngrok.session;',
      'ngrok.session=',
      '\\',
      ',',
      'a=b; ',
    ]) {
      const header = filler.repeat(Math.ceil(long / filler.length))
      expect(readCookies(header, 'ngrok.session').every((value) => !value.includes(';'))).toBe(true)
      expect(readCookies(`${header};ngrok.session=x`, 'ngrok.session').at(-1)).toBe('x')
    }
  })
})
