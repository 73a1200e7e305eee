import { createHmac, createPublicKey, KeyObject, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { CompactSign } from 'jose'
import type { Gate } from '../support/gate.js'
import { startGate, stopAll } from '../support/gate.js'
import { sendRawRequest } from '../support/raw.js'
import {
  API,
  call,
  createKey,
  type IssuerKey,
  startApi,
  startTokenIssuer,
  type TokenIssuer,
  unused,
  userOf,
} from '../support/token-issuer.js'

interface Case {
  readonly id: string
  readonly signer?: string
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly times?: Readonly<Record<string, number>>
  readonly repeat?: Readonly<Record<string, number>>
  readonly iss?: string
  readonly deep?: number
  readonly payload?: string
  readonly raw?: string
}

const { cases } = JSON.parse(
  readFileSync(join(__dirname, '../corpora/bad-tokens.json'), 'utf8'),
) as { cases: Case[] }

let idp: TokenIssuer
let gate: Gate
let other: IssuerKey
let twin: IssuerKey
let curve: IssuerKey

beforeAll(async () => {
  idp = await startTokenIssuer({ alg: 'RS256' })
  other = await createKey('RS256', idp.keys[0]?.kid)
  curve = await createKey('ES256')
  idp.keys.push(curve)
  // Another issuer that this gate trusts, for the same audience, with the same key ID.
  const second = await startTokenIssuer()
  twin = await createKey('RS256', idp.keys[0]?.kid)
  second.keys = [twin]
  gate = await startGate({
    provider: { web: unused() },
    bearer: {
      issuers: [
        { issuer: idp.origin, audience: API },
        { issuer: second.origin, audience: API },
      ],
    },
  })
})
afterAll(stopAll)

const base64url = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

function claimsOf({ claims = {}, times = {}, repeat = {}, iss, deep }: Case) {
  const now = Math.floor(Date.now() / 1000)
  const issuers: Record<string, unknown> = {
    array: [idp.origin],
    upper: idp.origin.toUpperCase(),
  }
  const all: Record<string, unknown> = {
    ...idp.claims(),
    ...claims,
    ...Object.fromEntries(Object.entries(times).map(([name, seconds]) => [name, now + seconds])),
    ...Object.fromEntries(Object.entries(repeat).map(([name, count]) => [name, 'x'.repeat(count)])),
    ...(iss !== undefined && { iss: issuers[iss] ?? idp.origin + iss }),
  }
  if (deep !== undefined) {
    let value: unknown = 'x'
    for (let level = 0; level < deep; level++) value = { value }
    all['deep'] = value
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
}

function secretOf(signer: string): string | Buffer {
  const jwk = idp.keys[0]?.jwk ?? {}
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  if (signer === 'hs256-pem') return key.export({ type: 'spki', format: 'pem' })
  if (signer === 'hs256-jwk') return JSON.stringify(jwk)
  if (signer === 'hs256-n') return Buffer.from(String(jwk.n), 'base64url')
  return signer === 'hs256-empty' ? '' : 'the secret of the client'
}

async function tokenOf(one: Case): Promise<string> {
  if (one.raw !== undefined) return one.raw
  const { signer = 'own', header = {}, payload } = one
  const [own] = idp.keys
  if (own === undefined) throw new Error('no key')
  const body = payload ?? JSON.stringify(claimsOf(one))
  const keys: Record<string, IssuerKey> = { other, twin, es256: curve }
  const key = keys[signer] ?? own
  const full: Record<string, unknown> = {
    ...{ alg: key.alg, kid: own.kid, typ: 'at+jwt' },
    ...(signer.startsWith('hs256') && { alg: 'HS256' }),
    ...header,
    ...(header['jwk'] === 'other' && { jwk: other.jwk }),
  }
  const clean = Object.fromEntries(Object.entries(full).filter(([, value]) => value !== null))
  const input = `${base64url(clean)}.${base64url(body)}`
  if (signer === 'none') return `${input}.`
  if (signer === 'zeros') return `${input}.${Buffer.alloc(64).toString('base64url')}`
  if (signer.startsWith('hs256'))
    return `${input}.${createHmac('sha256', secretOf(signer)).update(input).digest('base64url')}`
  const signed = await new CompactSign(Buffer.from(body))
    .setProtectedHeader({ alg: key.alg, kid: own.kid })
    .sign(key.privateKey)
  const [, , signature = ''] = signed.split('.')
  if (signer === 'keep' || signer === 'swap') return `${input}.${signature}`
  if (signer === 'flip') {
    const [head = '', claims = ''] = signed.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    bytes[10] = (bytes[10] ?? 0) ^ 1
    return `${head}.${claims}.${bytes.toString('base64url')}`
  }
  // Header and claims are signed as they are.
  const privateKey = KeyObject.from(key.privateKey)
  const bytes = sign('sha256', Buffer.from(input), {
    key: privateKey,
    ...(key.alg === 'ES256' && { dsaEncoding: 'ieee-p1363' as const }),
  })
  return `${input}.${bytes.toString('base64url')}`
}

describe('the corpus of bad tokens', () => {
  test('starts from a token that is accepted', async () => {
    const answer = await call(gate, await tokenOf({ id: 'good' }))
    expect(userOf(answer)['id']).toBe('ada')
    const es256 = await idp.token({}, { key: curve })
    expect(userOf(await call(gate, es256))['id']).toBe('ada')
  })

  test.each(cases.map((one) => [one.id, one] as const))('%s is rejected', async (_, one) => {
    const before = gate.reached.length
    const { status, headers, body } = await sendRawRequest(gate.port, {
      headers: [`Authorization: Bearer ${await tokenOf(one)}`],
    })
    expect([status, (JSON.parse(body) as { error: unknown }).error]).toEqual([401, 'invalid_token'])
    expect(headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", /)
    expect(gate.reached).toHaveLength(before)
  })

  test('never causes a request to another host, and few to the issuer', () => {
    expect(idp.count('/jwks')).toBeLessThanOrEqual(3)
    expect(idp.count('/.well-known/openid-configuration')).toBe(1)
    expect(gate.logged.join('\n')).not.toMatch(/^error/m)
  })

  test('no log line contains a part of a token', async () => {
    const token = await tokenOf({ id: 'bad', claims: { aud: 'canary-4711', sub: 'canary-4711' } })
    await call(gate, token)
    expect(gate.logged.join('\n')).not.toContain('canary-4711')
    for (const part of token.split('.')) expect(gate.logged.join('\n')).not.toContain(part)
  })
})

describe('the Authorization header', () => {
  const send = async (headers: string[], target = '/') => {
    const { status, body } = await sendRawRequest(gate.port, { headers, target })
    return [status, (JSON.parse(body || '{}') as { error?: unknown }).error]
  }

  test.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('accepts the scheme %s', async (scheme) => {
    const token = await idp.token()
    expect(await send([`Authorization: ${scheme} ${token}`])).toEqual([200, undefined])
    expect(await send([`AUTHORIZATION:  ${scheme}   ${token}  `])).toEqual([200, undefined])
  })

  test('is rejected if there are two, even if both are the same', async () => {
    const token = await idp.token()
    const bearer = `Authorization: Bearer ${token}`
    for (const headers of [
      [bearer, bearer],
      [bearer, 'authorization: Basic YTpi'],
      ['Authorization: Basic YTpi', bearer],
    ])
      expect(await send(headers)).toEqual([401, 'invalid_token'])
  })

  test('tokens in the query, in a form, or under another scheme never count', async () => {
    const token = await idp.token()
    expect(await send(['Sec-Fetch-Mode: cors'], `/?access_token=${token}`)).toEqual([
      401,
      'login_required',
    ])
    const form = await sendRawRequest(gate.port, {
      method: 'POST',
      headers: ['Content-Type: application/x-www-form-urlencoded'],
      body: `access_token=${token}`,
    })
    expect(form.status).toBe(401)
    for (const scheme of ['DPoP', 'Token', 'Bearer2', 'MAC', ''])
      expect(await send([`Authorization: ${scheme} ${token}`])).toEqual([401, 'login_required'])
  })

  test('a token of 64 kB is rejected before it is decoded', async () => {
    const large = await startApi(idp)
    large.server.maxHeadersCount = 0
    const { createServer } = await import('node:http')
    const server = createServer({ maxHeaderSize: 256 * 1024 }, (req, res) => {
      large.middleware(req, res, () => res.end('passed'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const token = await idp.token({ filler: 'x'.repeat(48 * 1024) })
    expect(token.length).toBeGreaterThan(64 * 1024)
    const { status, body } = await sendRawRequest(port, {
      headers: [`Authorization: Bearer ${token}`],
    })
    expect([status, (JSON.parse(body) as { error: unknown }).error]).toEqual([
      413,
      'payload_too_large',
    ])
    server.closeAllConnections()
    server.close()
  })
})
