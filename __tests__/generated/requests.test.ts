import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { adminGate, startAdmin } from '../support/admin.js'
import { type Gate, oidcOf, startGate, stopAll } from '../support/gate.js'
import { forAll, GENERATED_TIMEOUT, json, textOf } from '../support/generated.js'
import { createBrowser } from '../support/jar.js'
import { startVendor } from '../support/providers.js'
import { sendRaw } from '../support/raw.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'

/** Requests take a hundred times as long as functions. */
const SHARE = 0.1
const MARKED = 'MARKED-client-secret'

afterEach(stopAll)

describe('generated requests to the gate', () => {
  let vendor: VendorServer
  let gate: Gate

  beforeEach(async () => {
    vendor = await startVendor('oidc')
    gate = await startGate({ provider: { idp: oidcOf(vendor) } })
  })

  const isSignedIn = async (cookie: string) =>
    (
      await fetch(gate.url('/'), {
        headers: { cookie, accept: 'application/json' },
        redirect: 'manual',
      })
    ).status === 200

  test(
    'no callback without a login signs anyone in, reaches the provider, or fails with 500',
    async () => {
      const name = fc.constantFrom(
        'code',
        'state',
        'iss',
        'error',
        'error_description',
        'x',
        'code[]',
      )
      const text = textOf('a', '%00', '%', '&', '=', '<script>', '\r\n', 'é', '.', 'A'.repeat(300))
      const query = fc.array(fc.tuple(name, text), { maxLength: 6 })
      const cookie = textOf('ngrok.nonce.00000000=', 'ngrok.session=', '; ', 'a'.repeat(43), '.')
      await forAll(
        fc.record({ query, cookie, method: fc.constantFrom('GET', 'POST', 'HEAD') }),
        async ({ query: pairs, cookie: sent, method }) => {
          vendor.requests.length = 0
          const body = new URLSearchParams(pairs)
          const response = await fetch(
            gate.url(`/auth/callback${method === 'POST' ? '' : `?${body}`}`),
            {
              method,
              redirect: 'manual',
              headers: { cookie: sent.replace(/[^\x20-\x7e]/g, ''), accept: 'text/html' },
              ...(method === 'POST' && { body }),
            },
          )
          // A link scanner sends HEAD, which does nothing.
          const expected = method === 'HEAD' ? [200] : [302, 303, 400, 403, 404, 405]
          expect(expected).toContain(response.status)
          const set = response.headers.getSetCookie().map((line) => line.split(';', 1)[0] ?? '')
          for (const line of set) expect(await isSignedIn(line)).toBe(false)
          expect(vendor.requests.filter(({ endpoint }) => endpoint === 'token')).toEqual([])
          const location = response.headers.get('location')
          if (location !== null)
            expect([gate.origin, new URL(vendor.origin).origin]).toContain(
              new URL(location, gate.origin).origin,
            )
          expect(await response.text()).not.toContain('<script>')
        },
        SHARE,
      )
      expect(gate.reached).toEqual([])
    },
    GENERATED_TIMEOUT,
  )

  test(
    'no spelling of an identity header reaches the app with the value of a client',
    async () => {
      const browser = createBrowser()
      await browser.get(gate.url('/'))
      const cookie = browser
        .cookies(gate.url('/'))
        .map(({ key, value }) => `${key}=${value}`)
        .join('; ')
      const parts = ['ngrok', 'auth', 'user', 'email', 'id', 'name', '-', '_', '.', 'Ngrok', 'X-']
      const name = textOf(...parts).map((text) => text.replace(/[^!#$%&'*+.^`|~\w-]/g, ''))
      const line = fc.tuple(name, fc.constantFrom('FORGED', 'FORGED, admin'))
      const connection = fc.array(name, { maxLength: 2 })
      await forAll(
        fc.record({ lines: fc.array(line, { maxLength: 5 }), connection }),
        async ({ lines, connection: named }) => {
          const own =
            /^(?:host|connection|cookie|content-length|transfer-encoding|expect|upgrade)$/i
          const sent = lines.filter(([one]) => one !== '' && !own.test(one))
          const { status, body } = await sendRaw(
            gate.port,
            [
              'GET / HTTP/1.1',
              `Host: localhost:${gate.port}`,
              `Cookie: ${cookie}`,
              'Accept: application/json',
              `Connection: ${['close', ...named.filter(Boolean)].join(', ')}`,
              ...sent.map(([one, value]) => `${one}: ${value}`),
              '\r\n',
            ].join('\r\n'),
          )
          expect(status).toBe(200)
          const { headers, rawHeaders } = JSON.parse(body) as {
            headers: Record<string, string>
            rawHeaders: string[]
          }
          const fold = (text: string) =>
            text
              .toLowerCase()
              .replace(/[^a-z0-9]+/g, '-')
              .replace(/^-|-$/g, '')
          const isIdentity = (text: string) => /^ngrok-auth(?:-|$)/.test(fold(text))
          for (const [one, value] of Object.entries(headers))
            if (isIdentity(one)) expect(value).not.toContain('FORGED')
          rawHeaders.forEach((text, index) => {
            if (index % 2 === 1 && isIdentity(rawHeaders[index - 1] ?? ''))
              expect(text).not.toContain('FORGED')
          })
          expect(headers['ngrok-auth-user-id']).toBe(String(vendor.user.id))
          for (const token of (headers['connection'] ?? '').split(','))
            expect(isIdentity(token.trim())).toBe(false)
        },
        SHARE,
      )
    },
    GENERATED_TIMEOUT,
  )

  test(
    'a userinfo response signs in the user of the ID token, or no one',
    async () => {
      let signedIn = 0
      const sub = String(vendor.user.id)
      const good = { sub, email: 'ann@example.com', email_verified: true }
      const body = fc.oneof(
        json.map((value) => JSON.stringify(value)),
        fc
          .dictionary(fc.constantFrom('sub', 'email', 'email_verified', 'name', 'groups'), json)
          .map((more) => JSON.stringify({ ...good, ...more })),
        fc.constantFrom(
          JSON.stringify(good),
          `{"sub":"${sub}","sub":"other"}`,
          '',
          '<html>',
          '[',
          'null',
        ),
        textOf('{', '}', '"sub"', ':', `"${sub}"`, ','),
      )
      const status = fc.constantFrom(
        200,
        200,
        200,
        200,
        201,
        204,
        301,
        400,
        401,
        403,
        429,
        500,
        503,
      )
      const type = fc.constantFrom(
        'application/json',
        'application/json',
        'text/html',
        'application/jwt',
        '',
      )
      await forAll(
        fc.oneof(
          fc.record({ body, status, type }),
          fc.record({ body, status: fc.constant(200), type: fc.constant('application/json') }),
        ),
        async (response) => {
          vendor.respond('userinfo', {
            status: response.status,
            headers: { 'content-type': response.type },
            body: response.status === 204 ? '' : response.body,
          })
          const browser = createBrowser()
          const page = await browser.get(gate.url('/'))
          expect([200, 403, 429, 502, 503, 504]).toContain(page.status)
          if (page.status !== 200) return
          // An independent reading: the response is an object of this user.
          const { user } = JSON.parse(page.body) as { user: { id: string } }
          expect(user.id).toBe(sub)
          expect([200, 201]).toContain(response.status)
          const claims = JSON.parse(response.body) as { sub?: unknown } | null
          expect(String(claims?.sub)).toBe(sub)
          signedIn++
        },
        SHARE / 2,
      )
      expect(signedIn).toBeGreaterThan(0)
    },
    GENERATED_TIMEOUT,
  )
})

test(
  'a body of the admin API changes the configuration, or is rejected and changes nothing',
  async () => {
    const app = await startAdmin({ '/': adminGate({ configVersion: 1 }) })
    const path = '/edges/https/main/routes/route-0/oauth'
    const provider = fc.record(
      {
        client_id: json,
        client_secret: fc.oneof(fc.constant(MARKED), json),
        scopes: json,
        email_addresses: fc.oneof(fc.constant(['ann@acme.com']), json),
        email_domains: fc.oneof(fc.constant(['acme.com']), json),
        organizations: json,
      },
      { requiredKeys: [] },
    )
    const body = fc.oneof(
      json,
      fc.record(
        {
          enabled: fc.oneof(fc.constant(true), json),
          provider: fc.oneof(
            fc.dictionary(
              fc.constantFrom('github', 'google', 'gitlab', 'x'),
              fc.oneof(provider, json),
            ),
            json,
          ),
          options_passthrough: fc.oneof(fc.boolean(), json),
          cookie_prefix: json,
          inactivity_timeout: fc.oneof(fc.nat(), json),
          maximum_duration: fc.oneof(fc.nat(), json),
          auth_check_interval: fc.oneof(fc.nat(), json),
          unknown: json,
        },
        { requiredKeys: [] },
      ),
      fc.constant({
        enabled: true,
        provider: { github: { client_id: 'a', client_secret: MARKED } },
      }),
    )
    const read = async () => JSON.stringify((await app.call('GET', path)).body)
    let before = await read()
    let changed = 0
    await forAll(
      body,
      async (value) => {
        const { status, body: answer } = await app.call('PUT', path, undefined, {
          body: JSON.stringify(value),
        })
        expect([200, 400, 403, 409, 422, 429]).toContain(status)
        const after = await read()
        if (status === 200) changed++
        else expect(after).toBe(before)
        before = after
        expect(JSON.stringify(answer) + after).not.toContain('MARKED')
      },
      SHARE,
    )
    expect(changed).toBeGreaterThan(0)
  },
  GENERATED_TIMEOUT,
)
