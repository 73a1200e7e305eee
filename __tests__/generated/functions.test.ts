import { beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { main } from '../../src/command/main.js'
import { flags } from '../../src/command/flags.js'
import { readCookies } from '../../src/http/cookies.js'
import { Encrypter } from '../../src/http/encryption.js'
import { ProviderError } from '../../src/http/errors.js'
import { isSafePath } from '../../src/http/paths.js'
import { verifyIdToken } from '../../src/oauth/id-token.js'
import { SigningKeys } from '../../src/oauth/signing-keys.js'
import { checkOptions } from '../../src/options/parse-options.js'
import { SessionRows } from '../../src/session/session-rows.js'
import { newSession, type Session } from '../../src/session/session.js'
import { seal, unseal } from '../../src/session/sealed-data.js'
import { forAll, GENERATED_TIMEOUT, json, textOf } from '../support/generated.js'

const SECRET = 'MARKED-secret-of-thirty-two-characters'

describe('generated attacks on functions', () => {
  test(
    'a return path that is accepted stays on this origin in every browser',
    async () => {
      const bases = ['https://app.example/', 'https://app.example/auth/callback?x=1']
      const parts = ['/', '//', '\\', '/\\', '..', '.', ':', '@', '%2f', '%5c', '\t', '\n', '\r']
      const more = [
        '?',
        '#',
        ';',
        'evil.example',
        'https:',
        'javascript:',
        'data:',
        'a',
        '%00',
        '．',
      ]
      await forAll(textOf(...parts, ...more), (path) => {
        const isAccepted = isSafePath(path)
        // Browsers remove tabs and line breaks, and take a backslash for a slash. (WHATWG URL)
        const read = path.replace(/[\t\n\r]/g, '').replaceAll('\\', '/')
        if (isAccepted) {
          expect(read).toBe(path.replaceAll('\\', '/'))
          expect(read).toMatch(/^\/(?!\/)/)
          for (const base of bases) expect(new URL(path, base).origin).toBe('https://app.example')
        }
        // What is plain is accepted.
        if (/^\/[a-z]*(?:\?[a-z]*)?$/.test(path)) expect(isAccepted).toBe(true)
      })
    },
    GENERATED_TIMEOUT,
  )

  test(
    'cookies are read as RFC 6265 says',
    async () => {
      const name = 'ngrok.session'
      const parts = [name, '=', ';', '; ', ' ', '\t', 'a', '"', ',', 'ngrok', '.session', '\u00a0']
      await forAll(textOf(...parts), (header) => {
        const expected = header.split(';').flatMap((pair) => {
          const equals = pair.indexOf('=')
          if (equals === -1) return []
          const trim = (text: string) => text.replace(/^[ \t]+|[ \t]+$/g, '')
          return trim(pair.slice(0, equals)) === name ? [trim(pair.slice(equals + 1))] : []
        })
        expect(readCookies(header, name)).toEqual(expected)
      })
    },
    GENERATED_TIMEOUT,
  )

  test(
    'options are accepted, or rejected by one TypeError that tells no secret',
    async () => {
      const names = ['provider', 'secret', 'baseUrl', 'store', 'authCheckInterval', 'allowPaths']
      const more = ['cookiePrefix', 'id', 'bearer', 'signals', 'branding', 'texts', 'timeouts']
      const value = fc.oneof(
        json,
        fc.constant(SECRET),
        fc.record({ github: json }),
        fc.constant({ github: { clientId: 'a', clientSecret: SECRET } }),
        fc.record({
          oidc: fc.record({ issuer: textOf('https://', 'a', '/'), clientSecret: json }),
        }),
        fc.func(json),
      )
      const key = fc.oneof(fc.constantFrom(...names, ...more), fc.string({ maxLength: 8 }))
      const base = { provider: { github: { clientId: 'a', clientSecret: SECRET } }, secret: SECRET }
      const logger = { debug() {}, info() {}, warn() {}, error() {} }
      await forAll(
        fc.dictionary(key, value, { maxKeys: 4 }),
        (options) => {
          try {
            checkOptions({ ...base, logger, ...options }, undefined, {})
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError)
            expect((error as TypeError).message).not.toContain('MARKED')
          }
        },
        0.3,
      )
    },
    GENERATED_TIMEOUT,
  )

  test(
    'command lines print a configuration or what is wrong, and no secret',
    async () => {
      const names = flags.map(({ name }) => `--${name}`).filter((name) => !name.includes('*'))
      const word = fc.oneof(
        fc.constantFrom(...names),
        fc.constantFrom('--oauth', 'google', 'github', '--', '-', '--config', '3000', '--no-oauth'),
        fc.constantFrom('--oauth-client-id', '--oauth-client-secret', '--secret', '=', '[]', '{}'),
        textOf('--', '=', 'a', ',', '{', '"', '\u0000'),
        fc.constant(SECRET),
        fc.constantFrom('--secret', '--oauth-client-secret').map((name) => `${name}=${SECRET}`),
      )
      await forAll(
        fc.array(word, { maxLength: 8 }),
        async (words) => {
          let printed = ''
          const stream = { write: (text: string) => (printed += text) }
          const terminal = { env: {}, stdin: process.stdin, stdout: stream, stderr: stream }
          const args = ['http', '3000', '--print-config', ...words]
          const result = await main(args, terminal, '0.0.0')
          expect([0, 1]).toContain(result)
          expect(printed).not.toBe('')
          // As a value of a secret it must not be printed; what is no value of a flag is repeated.
          if (words.every((one) => one !== SECRET)) expect(printed).not.toContain('MARKED')
        },
        0.2,
      )
    },
    GENERATED_TIMEOUT,
  )
})

describe('generated rows of a store', () => {
  const encrypter = new Encrypter([SECRET])
  const rows = new SessionRows({
    encrypter,
    isInProcess: false,
    browserSession: { ipAddress: true, userAgent: true, maxAge: 0 },
  })
  const sessionOf = (number: number): Session =>
    newSession(
      {
        ...{ instance: 'default', client: 'client' },
        user: {
          ...{ key: `idp:${number}`, id: String(number), name: 'Ann', email: `${number}@acme.com` },
          ...{ emailVerified: true, username: undefined, picture: undefined, provider: 'idp' },
          ...{ organizations: [], teams: [], groups: ['staff'] },
        },
        ...{ sid: undefined, scopes: ['openid'], authTime: 1, accessTokenExpiresAt: 2 },
        verdicts: {},
        browser: { userAgent: 'Chrome', ipAddress: '192.0.2.1' },
      },
      1_700_000_000_000 + number,
      seal(encrypter, `id-${number}`, {
        ...{ accessToken: `at-${number}`, refreshToken: undefined, idToken: undefined },
        ...{ claims: { sub: String(number) }, subject: undefined, boundClaims: {} },
        redirectUri: 'https://app.example/auth/callback',
      }),
    )
  const sessions = [sessionOf(1), sessionOf(2)]
  const keys = ['key-1', 'key-2']
  const stored = sessions.map((session, index) => ({ ...rows.toRow(keys[index] ?? '', session) }))
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown

  type Change = (row: Record<string, unknown>, other: Record<string, unknown>) => void
  const member = fc.constantFrom(...Object.keys(stored[0] ?? {}))
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.record({ name: member, value: json }).map(({ name, value }): Change => (row) => {
      row[name] = value
    }),
    member.map((name): Change => (row, other) => {
      row[name] = other[name]
    }),
    member.map((name): Change => (row) => {
      Reflect.deleteProperty(row, name)
    }),
    fc
      .record({ name: member, at: fc.nat(2000), code: fc.nat(127) })
      .map(({ name, at, code }): Change => (row) => {
        const text = row[name]
        if (typeof text !== 'string' || text === '') return
        const index = at % text.length
        row[name] = text.slice(0, index) + String.fromCharCode(code) + text.slice(index + 1)
      }),
  )

  test(
    'a changed row is no session, or the session as it was written',
    async () => {
      const changes = fc.record({
        all: fc.array(change, { maxLength: 3 }),
        isSwapped: fc.boolean(),
      })
      await forAll(changes, ({ all, isSwapped }) => {
        const row = { ...stored[0] } as Record<string, unknown>
        for (const one of all) one(row, { ...stored[1] })
        const key = keys[isSwapped ? 1 : 0] ?? ''
        const found = rows.fromRow(key, row as never)
        if (found === undefined) return
        // A row can be exchanged for another one that was written for this key, and no other.
        const written = sessions[isSwapped ? 1 : 0]
        expect(plain({ ...found, sealed: '' })).toEqual(plain({ ...written, sealed: '' }))
        if (found.sealed !== written?.sealed)
          expect(unseal(encrypter, `id-${isSwapped ? 2 : 1}`, found).accessToken).toBe('')
      })
    },
    GENERATED_TIMEOUT,
  )
})

describe('generated ID tokens', () => {
  const issuer = 'https://idp.example'
  const names = ['good', 'other'] as const
  let keys: Record<
    (typeof names)[number],
    Awaited<ReturnType<typeof generateKeyPair>>['privateKey']
  >
  let keySource: Parameters<typeof verifyIdToken>[1]

  beforeAll(async () => {
    const [good, other] = await Promise.all(names.map(() => generateKeyPair('ES256')))
    if (good === undefined || other === undefined) throw new Error('no keys')
    keys = { good: good.privateKey, other: other.privateKey }
    const set = new SigningKeys([{ ...(await exportJWK(good.publicKey)), alg: 'ES256', kid: '1' }])
    keySource = { keys: async () => set, refresh: async () => false }
  })

  const members = {
    iss: fc.constantFrom<unknown>(
      issuer,
      issuer,
      issuer,
      `${issuer}/`,
      'https://evil.example',
      1,
      undefined,
    ),
    aud: fc.constantFrom<unknown>(
      'app',
      'app',
      ['app'],
      ['app', 'other'],
      'other',
      [],
      ['other'],
      undefined,
      1,
    ),
    azp: fc.constantFrom<unknown>(undefined, undefined, 'app', 'other'),
    sub: fc.constantFrom<unknown>(
      'ann',
      'ann',
      'ann',
      '',
      'a'.repeat(256),
      'ö',
      1,
      null,
      undefined,
      ['ann'],
    ),
    exp: fc.constantFrom<unknown>(600, 600, 600, -600, '600', undefined, Number.MAX_SAFE_INTEGER),
    iat: fc.constantFrom<unknown>(0, 0, 0, -5, undefined, 'now'),
    nbf: fc.constantFrom<unknown>(undefined, undefined, undefined, -5, 600),
    nonce: fc.constantFrom<unknown>('nonce', 'nonce', 'nonce', 'other', undefined, ['nonce'], ''),
    signing: fc.constantFrom('good', 'good', 'good', 'good', 'other', 'none', 'HS256'),
    flip: fc.option(fc.nat(200), { freq: 8 }),
  }
  const good = {
    ...{ iss: issuer, aud: 'app', azp: undefined, sub: 'ann', exp: 600, iat: 0, nbf: undefined },
    ...{ nonce: 'nonce', signing: 'good', flip: null },
  }
  /** Most differ in a few members only: each rule alone must reject them. */
  const token = fc.oneof(
    fc.record(members),
    fc
      .record({ all: fc.record(members), few: fc.subarray(Object.keys(members), { maxLength: 2 }) })
      .map(({ all, few }) => ({
        ...good,
        ...Object.fromEntries(Object.entries(all).filter(([name]) => few.includes(name))),
      })),
  )

  test(
    'an ID token is accepted if and only if every rule of OpenID Connect holds',
    async () => {
      const now = Math.floor(Date.now() / 1000)
      let accepted = 0
      await forAll(token, async ({ signing, flip, exp, iat, nbf, ...claims }) => {
        const at = (value: unknown) => (typeof value === 'number' ? now + value : value)
        const payload = { ...claims, exp: at(exp), iat: at(iat), nbf: at(nbf) }
        for (const [name, value] of Object.entries(payload))
          if (value === undefined) Reflect.deleteProperty(payload, name)
        const jwt = new SignJWT(payload as never)
        let text: string
        if (signing === 'none') text = new UnsecuredJWT(payload as never).encode()
        else if (signing === 'HS256')
          text = await jwt
            .setProtectedHeader({ alg: 'HS256' })
            .sign(Buffer.from('client secret of an app'.padEnd(32)))
        else
          text = await jwt
            .setProtectedHeader({ alg: 'ES256', kid: '1' })
            .sign(keys[signing as 'good' | 'other'])
        if (flip !== null) {
          const index = flip % text.length
          text = text.slice(0, index) + (text[index] === 'A' ? 'B' : 'A') + text.slice(index + 1)
        }
        const { iss, aud, azp, sub, nonce } = claims
        const audiences = Array.isArray(aud) ? aud : [aud]
        const isGood =
          signing === 'good' &&
          flip === null &&
          iss === issuer &&
          audiences.includes('app') &&
          (azp === undefined || azp === 'app') &&
          // Several audiences need an authorized party. (OpenID Connect Core, 3.1.3.7)
          (audiences.length < 2 || azp === 'app') &&
          sub === 'ann' &&
          typeof exp === 'number' &&
          exp > 0 &&
          typeof iat === 'number' &&
          (nbf === undefined || (nbf as number) <= 0) &&
          nonce === 'nonce'
        const verified = verifyIdToken(text, keySource, {
          ...{
            tokenName: 'the ID token',
            clientId: 'app',
            clientSecret: 'client secret of an app',
          },
          ...{ algorithms: ['ES256'], clockTolerance: 30, types: ['jwt'] },
          acceptsIssuer: (given) => given === issuer,
          acceptsKey: undefined,
          ...{ requiresIssuedAt: true, nonce: 'nonce', requiresNonce: true, accessToken: 'at' },
        })
        const result = await verified.then(
          () => true,
          (error: unknown) => {
            expect(error).toBeInstanceOf(ProviderError)
            return false
          },
        )
        expect(result).toBe(isGood)
        if (result) accepted++
      })
      expect(accepted).toBeGreaterThan(0)
    },
    GENERATED_TIMEOUT,
  )
})
