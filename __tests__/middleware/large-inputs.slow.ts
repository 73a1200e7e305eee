import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  memoryStore,
  oauthModule,
  type OAuthMiddleware,
  type StoreRecord,
} from '../../src/index.js'
import type { VendorEndpoint, VendorResponse, VendorServer } from '../../src/dev/vendors/index.js'
import { cpuOfReading, leastCpu } from '../support/cpu.js'
import { oidcOf, secret, stopAll } from '../support/gate.js'
import { startVendor } from '../support/providers.js'
import { sendRawRequest } from '../support/raw.js'

const MEGABYTE = 1_000_000
/** What a provider may send: the rest of a longer body is not read. */
const BODY_LIMIT = 250_000

/** Texts that are slow to read for code that backtracks, scans repeatedly or recurses. */
const SHAPES: Record<string, (length: number) => string> = {
  'one letter': (length) => 'a'.repeat(length),
  'spaces between letters': (length) => `a${' '.repeat(length - 2)}a`,
  slashes: (length) => '/'.repeat(length),
  commas: (length) => 'a,'.repeat(length / 2),
  semicolons: (length) => ';a='.repeat(length / 3),
  'dots and dashes': (length) => '-a.'.repeat(length / 3),
  underscores: (length) => '_'.repeat(length),
  'percent signs': (length) => '%'.repeat(length),
  'angle brackets': (length) => '<'.repeat(length),
  'at signs': (length) => 'a@'.repeat(length / 2),
  'nested arrays': (length) => '['.repeat(length / 2) + ']'.repeat(length / 2),
  digits: (length) => '9'.repeat(length),
  'equals signs': (length) => '='.repeat(length),
}

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const store = memoryStore()
let vendor: VendorServer
let auth: OAuthMiddleware
let server: Server
let port: number
let reading: number
let plantedRow: StoreRecord | undefined

beforeAll(async () => {
  vendor = await startVendor('oidc')
  auth = oauthModule({
    provider: { idp: oidcOf(vendor) },
    secret,
    logger,
    store: { ...store, get: (key: string) => plantedRow ?? store.get(key) },
  })
  // Node allows 16 KiB unless the app raises the limit.
  server = createServer({ maxHeaderSize: 16 * MEGABYTE }, (req, res) => {
    const { body } = Object(preparsed) as { body?: unknown }
    if (body !== undefined) Object.assign(req, { body })
    auth(req, res, () => void res.end('in'))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  port = (server.address() as AddressInfo).port
  reading = await cpuOfReading('a'.repeat(MEGABYTE))
})
let preparsed: { body: unknown } | undefined

afterAll(async () => {
  server.close()
  server.closeAllConnections()
  await auth.close()
  await stopAll()
})

/**
 * Processing takes at most ten times as long as reading, which is some 50 ms where reading takes 5.
 * A short text is processed first, since the exchange itself takes time, and then a tenth, so that a
 * failure does not take minutes.
 */
async function expectCheap(
  work: (text: string) => unknown,
  length = MEGABYTE,
  shapes = Object.entries(SHAPES),
): Promise<void> {
  const limit = Math.max(50, 10 * reading)
  for (const [shape, make] of shapes) {
    const fixed = await leastCpu(
      () => work(make(30)),
      (ms) => ms < limit / 10,
      3,
    )
    for (const size of [length / 10, length]) {
      const isCheap = (ms: number) => ms - fixed < limit
      const cpu = await leastCpu(() => work(make(size)), isCheap)
      if (!isCheap(cpu))
        throw new Error(`${size} characters (${shape}) take ${Math.round(cpu - fixed)} ms of CPU`)
    }
  }
}

/** A provider's body of any shape, and one that is over the limit. */
async function expectCheapBody(work: (text: string) => unknown): Promise<void> {
  await expectCheap(work, BODY_LIMIT)
  await expectCheap(work, MEGABYTE, Object.entries(SHAPES).slice(0, 2))
}

const printable = (text: string) => encodeURIComponent(text)

async function begin() {
  const { headers } = await sendRawRequest(port, { target: '/' })
  const cookie = (headers['set-cookie'] ?? '').split('\n').map((line) => line.split(';', 1)[0])
  const authorizationUrl = String(headers['location'])
  const state = String(new URL(authorizationUrl).searchParams.get('state'))
  return { cookie: cookie.join('; '), authorizationUrl, state }
}

/** A login whose provider sends these responses. Resolves with the status of the callback. */
async function logIn(responses: Partial<Record<VendorEndpoint, VendorResponse>>): Promise<number> {
  const { cookie, authorizationUrl } = await begin()
  const consent = await fetch(authorizationUrl, { redirect: 'manual' })
  const { pathname, search } = new URL(String(consent.headers.get('location')))
  const restore = Object.entries(responses).map(([endpoint, response]) =>
    vendor.respond(endpoint as VendorEndpoint, response),
  )
  const { status } = await sendRawRequest(port, {
    target: pathname + search,
    headers: [`Cookie: ${cookie}`],
  })
  for (const end of restore) end()
  return status
}

test('the logins of these tests succeed with the responses of the vendor, and read every endpoint', async () => {
  vendor.requests.length = 0
  expect(await logIn({})).toBe(302)
  expect(new Set(vendor.requests.map(({ endpoint }) => endpoint))).toEqual(
    new Set(['discovery', 'authorize', 'token', 'jwks', 'userinfo']),
  )
})

describe('C5: an input of 1 MB takes at most 50 ms of CPU, or ten times as long as reading it', () => {
  const token = { token_type: 'Bearer', access_token: 'x' }

  test.each<[string, (text: string) => VendorResponse]>([
    ['as the access token', (text) => ({ body: { ...token, access_token: text } })],
    ['as the refresh token', (text) => ({ body: { ...token, refresh_token: text } })],
    ['as the type', (text) => ({ body: { ...token, token_type: text } })],
    ['as scopes', (text) => ({ body: { ...token, scope: text } })],
    ['as the ID token', (text) => ({ body: { ...token, id_token: text } })],
    [
      'as the header of the ID token',
      (text) => ({ body: { ...token, id_token: jwt(text, '{}') } }),
    ],
    [
      'as the claims of the ID token',
      (text) => ({ body: { ...token, id_token: jwt('{"alg":"RS256"}', text) } }),
    ],
    ['as the lifetime', (text) => ({ body: { ...token, expires_in: text } })],
    ['as a whole', (text) => ({ body: text })],
    ['as a form', (text) => ({ body: `access_token=x&a=${text}` })],
    ['as an error', (text) => ({ status: 400, body: { error: text } })],
    [
      'as the description of an error',
      (text) => ({ status: 400, body: { error: 'invalid_grant', error_description: text } }),
    ],
    [
      'as the content type',
      (text) => ({
        headers: { 'content-type': `a/${text.slice(0, 10_000).replace(/[^ -~]/g, '')}` },
        body: token,
      }),
    ],
  ])('C5: in a token response %s', async (_, respond) => {
    await expectCheapBody((text) => logIn({ token: respond(text) }))
  })

  test.each<[VendorEndpoint, string, (text: string) => VendorResponse]>([
    ['discovery', 'as the issuer', (text) => ({ body: { issuer: text } })],
    ['discovery', 'as a whole', (text) => ({ body: text })],
    [
      'discovery',
      'as a redirect',
      (text) => ({
        status: 302,
        headers: { location: `/${encodeURIComponent(text.slice(0, 5_000))}` },
      }),
    ],
    ['jwks', 'as the ID of a key', (text) => ({ body: { keys: [{ kty: 'RSA', kid: text }] } })],
    [
      'jwks',
      'as many keys',
      (text) => ({
        body: {
          keys: Array.from({ length: text.length / 50 }, () => ({
            kty: 'EC',
            crv: 'P-256',
            alg: 'ES256',
          })),
        },
      }),
    ],
    ['jwks', 'as a whole', (text) => ({ body: text })],
    [
      'userinfo',
      'as a name',
      (text) => ({ body: { sub: 'user-1', name: text, email: text, picture: text } }),
    ],
    ['userinfo', 'as the user', (text) => ({ body: { sub: text } })],
    ['userinfo', 'as many groups', (text) => ({ body: { sub: 'user-1', groups: text.split('') } })],
    ['userinfo', 'as a whole', (text) => ({ body: text })],
  ])('C5: from the endpoint %s %s', async (endpoint, _, respond) => {
    const known = auth
    try {
      await expectCheapBody(async (text) => {
        // Without cached documents.
        auth = oauthModule({ provider: { idp: oidcOf(vendor) }, secret, logger, store })
        if (endpoint !== 'discovery') return logIn({ [endpoint]: respond(text) })
        const restore = vendor.respond('discovery', respond(text))
        await sendRawRequest(port, { target: '/' })
        restore()
        return undefined
      })
    } finally {
      auth = known
    }
  })

  test.each(['code', 'state', 'iss', 'error', 'error_description', 'other'])(
    'C5: in the query of a callback as %s',
    async (name) => {
      await expectCheap(async (text) => {
        const { cookie, state } = await begin()
        const query = new URLSearchParams({ state, iss: vendor.origin, error: 'x' })
        query.delete(name)
        return sendRawRequest(port, {
          target: `/auth/callback?${query}&${name}=${printable(text)}`,
          headers: [`Cookie: ${cookie}`],
        })
      })
    },
  )

  test.each<[string, (text: string) => string]>([
    ['the path to return to', (text) => `/${text.replace(/[^!-~]/g, '')}`],
    ['a query', (text) => `/?${printable(text)}`],
    ['a return token', (text) => `/auth/authn?return_token=${printable(text)}`],
    ['the name of a provider', (text) => `/auth/authn?connection=${printable(text)}`],
    ['a special path', (text) => `/auth/${printable(text)}`],
    ['the token of a logout', (text) => `/auth/logout?token=${printable(text)}`],
    ['the absolute form of a target', (text) => `http://${text.replace(/[^!-~]/g, '')}/`],
  ])('C5: in a URL as %s', async (_, target) => {
    await expectCheap((text) => sendRawRequest(port, { target: target(text) }))
  })

  test.each([
    ...['Accept', 'Accept-Language', 'Authorization', 'Connection', 'Content-Type', 'Forwarded'],
    ...['Host', 'Origin', 'Purpose', 'Referer', 'Sec-Fetch-Dest', 'Sec-Fetch-Mode', 'Sec-Purpose'],
    ...['User-Agent', 'Via', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto'],
    ...['X-Requested-With', 'ngrok-auth-user-email', 'Cookie'],
  ])('C5: in the header %s', async (name) => {
    // The connection must not stay open.
    const prefix = name === 'Connection' ? 'close, ' : ''
    await expectCheap((text) => sendRawRequest(port, { headers: [`${name}: ${prefix}${text}`] }))
  })

  test.each<[string, (text: string) => string]>([
    ['the session cookie', (text) => `ngrok.session=${text}`],
    ['the cookie of a login', (text) => `ngrok.nonce.00000000=${text}`],
    ['many cookies', (text) => `ngrok.session=${'a; ngrok.session='.repeat(text.length / 17)}`],
    ['many cookies of logins', (text) => 'ngrok.nonce.00000000=a; '.repeat(text.length / 24)],
    ['quotes', (text) => `ngrok.session="${text.replaceAll('a', '\\"')}`],
  ])('C5: in the cookies as %s', async (_, cookie) => {
    await expectCheap((text) =>
      sendRawRequest(port, {
        target: '/auth/callback?state=x',
        headers: [`Cookie: ${cookie(text)}`],
      }),
    )
  })

  test.each<[string, (text: string) => string]>([
    ['a value', (text) => `logout_token=${printable(text)}`],
    ['the claims of a token', (text) => `logout_token=${printable(jwt('{"alg":"RS256"}', text))}`],
    ['many fields', (text) => 'logout_token=a&'.repeat(text.length / 15)],
    ['a whole', (text) => text],
  ])(
    'C5: in the form of a back-channel logout as %s, also if a body parser has read it',
    async (_, form) => {
      const post = (body: string) =>
        sendRawRequest(port, {
          method: 'POST',
          target: '/auth/backchannel-logout',
          headers: ['Content-Type: application/x-www-form-urlencoded'],
          body,
        })
      await expectCheap((text) => post(form(text)), 60_000)
      await expectCheap((text) => {
        preparsed = { body: form(text) }
        return post('x=y').finally(() => (preparsed = undefined))
      })
    },
  )

  test.each<[string, (text: string) => object]>([
    [
      'the user',
      (text) => ({ user: { key: text, id: text, name: text, email: text, claims: { text } } }),
    ],
    ['the tokens', (text) => ({ tokens: text })],
    ['the scopes', (text) => ({ scopes: text.split('') })],
    ['the decisions', (text) => ({ verdicts: { [text]: { at: 1, allowed: true } } })],
    ['everything', (text) => ({ instance: text, provider: text, issuer: text, clientId: text })],
  ])('C5: in a stored row as %s', async (_, change) => {
    const { entries } = (await store.entries?.({ kind: 'session', limit: 1 })) ?? { entries: [] }
    const [, row = { kind: 'session', group: 'x', createdAt: Date.now(), revision: 1 }] =
      entries[0] ?? []
    const cookie = `ngrok.session=${'A'.repeat(43)}`
    await expectCheap((text) => {
      plantedRow = { ...row, ...change(text) }
      return sendRawRequest(port, { headers: [`Cookie: ${cookie}`] }).finally(
        () => (plantedRow = undefined),
      )
    })
  })

  test.each<[string, (text: string) => object]>([
    ['the name of an option', (text) => ({ [text]: 1 })],
    ['the name of a provider', (text) => ({ provider: { [text]: { clientId: 'x' } } })],
    ['the name of a built-in provider', (text) => ({ provider: text })],
    ['the client', (text) => ({ provider: { github: { clientId: text, clientSecret: text } } })],
    [
      'an organization',
      (text) => ({
        provider: {
          github: { clientId: 'x', clientSecret: 'x', organizations: [text], teams: [text] },
        },
      }),
    ],
    [
      'an address and a domain',
      (text) => ({
        provider: {
          github: {
            clientId: 'x',
            clientSecret: 'x',
            emailAddresses: [text],
            emailDomains: [text],
          },
        },
      }),
    ],
    ['the base URL', (text) => ({ baseUrl: `https://a.example/${text}` })],
    ['paths', (text) => ({ basePath: `/${text}`, cookie: { path: `/${text}` } })],
    [
      'names',
      (text) => ({ cookiePrefix: text, headerPrefix: text, id: text, cookie: { domain: text } }),
    ],
    ['the secret', (text) => ({ secret: text })],
  ])('C5: in the options as %s', async (_, more) => {
    await expectCheap((text) => {
      try {
        oauthModule({
          provider: { github: { clientId: 'x', clientSecret: 'x' } },
          secret,
          logger,
          ...more(text),
        })
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
      }
    })
  })
})

function jwt(header: string, claims: string): string {
  const encode = (text: string) => Buffer.from(text).toString('base64url')
  return `${encode(header)}.${encode(claims)}.AAAA`
}
