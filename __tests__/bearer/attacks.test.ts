import { request } from 'node:http'
import { KeyObject, sign } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { fakeDate, realDate } from '../support/clock.js'
import { type Gate, oidcOf, secret, startGate, stopAll } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import { startVendor } from '../support/providers.js'
import { sendRawRequest } from '../support/raw.js'
import {
  API,
  type ApiAnswer,
  call,
  createKey,
  startApi,
  startTokenIssuer,
  type TokenIssuer,
  unused,
  userOf,
} from '../support/token-issuer.js'

let idp: TokenIssuer

beforeEach(async () => {
  idp = await startTokenIssuer()
})
afterEach(async () => {
  await stopAll()
  realDate()
})

const base64url = (value: string) => Buffer.from(value).toString('base64url')
const seconds = () => Math.floor(Date.now() / 1000)
const outcome = ({ status, body }: ApiAnswer) => (status === 200 ? 200 : body['error'])

/** A token whose parts are signed as they are. */
function signed(header: string, payload: string): string {
  const [key] = idp.keys
  if (key === undefined) throw new Error('no key')
  const input = `${base64url(header)}.${base64url(payload)}`
  const privateKey = KeyObject.from(key.privateKey)
  const signature = sign('sha256', Buffer.from(input), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return `${input}.${signature.toString('base64url')}`
}

const headerOf = (more = '') => `{"alg":"ES256","kid":"${idp.keys[0]?.kid}","typ":"at+jwt"${more}}`
const payloadOf = (more: string) => {
  const json = JSON.stringify(idp.claims())
  return `${json.slice(0, -1)},${more}}`
}

describe('a signed token with unusual JSON', () => {
  test.each([
    ['the last of two audiences counts, which is another one', '"aud":"https://other.example"'],
    ['the last of two issuers counts, which is another one', '"iss":"https://evil.example"'],
    ['the last of two expiries counts, which has passed', '"exp":1'],
    ['an infinite exp', '"exp":1e999'],
    ['an exp that is not a number', '"exp":"NaN"'],
    ['an infinite nbf', '"nbf":1e999'],
    ['an iat in the year 10000', '"iat":253402300800'],
    ['an escaped name is the same name', '"\\u0061ud":"https://other.example"'],
    ['a member of the prototype is no claim', '"sub":null,"__proto__":{"sub":"root"}'],
  ])('%s: rejected', async (_, more) => {
    const gate = await startApi(idp)
    expect(outcome(await call(gate, signed(headerOf(), payloadOf(more))))).toBe('invalid_token')
    expect(gate.reached).toEqual([])
  })

  test.each([
    ['a fraction of a second', `"exp":${4e9 + 0.5}`],
    ['the largest number', '"exp":1e308'],
    ['a time beyond those of Date', '"exp":8640000000001'],
    ['an audience among others', `"aud":["https://other.example","${API}"]`],
    ['a b64 without crit, which means nothing', '"x":1'],
  ])('%s: accepted, and described without an error', async (_, more) => {
    const gate = await startApi(idp)
    const header = more === '"x":1' ? headerOf(',"b64":false') : headerOf()
    const token = signed(header, payloadOf(more))
    expect(userOf(await call(gate, token))['id']).toBe('ada')
    expect((await call(gate, token, { path: '/auth/session' })).status).toBe(200)
  })

  test('a nested JWT, and one that is encrypted, are no tokens of the issuer', async () => {
    const gate = await startApi(idp)
    const nested = signed(headerOf(',"cty":"JWT"'), await idp.token())
    const jwe = `${base64url('{"alg":"dir","enc":"A128GCM"}')}..a.b.c`
    for (const token of [nested, jwe, `${await idp.token()}.x.y`])
      expect(outcome(await call(gate, token))).toBe('invalid_token')
  })

  test('a byte order mark does not hide the issuer', async () => {
    const gate = await startApi(idp)
    const payload = `\ufeff${JSON.stringify(idp.claims())}`
    expect(outcome(await call(gate, signed(headerOf(), payload)))).toBe('invalid_token')
  })

  test('a lone surrogate and a direction mark in claims cannot break headers or responses', async () => {
    const gate = await startApi(idp)
    const token = signed(headerOf(), payloadOf('"sub":"a\\ud800b","name":"\\u202eada\\ud83d"'))
    const { status, body } = await call(gate, token)
    expect(status).toBe(200)
    const headers = body['headers'] as Record<string, string>
    expect(headers['ngrok-auth-user-id']).toBe('a%EF%BF%BDb')
    expect(headers['ngrok-auth-user-name']).toMatch(/^%E2%80%AEada%EF%BF%BD$/)
  })

  test('as many claims as fit into a token are read once, and shown to the app', async () => {
    const gate = await startApi(idp)
    const many = Object.fromEntries(Array.from({ length: 700 }, (_, index) => [`c${index}`, index]))
    const token = await idp.token(many)
    expect(token.length).toBeLessThan(16 * 1024)
    const user = userOf(await call(gate, token))
    expect(Object.keys(user['claims'] as object).length).toBeGreaterThan(700)
    const large = await idp.token({ filler: 'x'.repeat(13 * 1024) })
    expect([413, 431]).toContain((await sendRawRequest(gate.port, bearer(large))).status)
  })
})

const bearer = (token: string) => ({ headers: [`Authorization: Bearer ${token}`] })

describe('the Authorization header of a signed-in browser', () => {
  async function signedIn(): Promise<{ gate: Gate; send: (value: string) => Promise<number> }> {
    const vendor = await startVendor('oidc')
    const gate = await startGate({
      provider: { staff: oidcOf(vendor) },
      bearer: { issuers: [{ issuer: idp.origin, audience: API }] },
    })
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    return {
      gate,
      send: async (Authorization) =>
        (await browser.get(gate.url('/'), { headers: { Authorization }, follow: false })).status,
    }
  }

  test.each([
    'Bearer\tx',
    'Bearer',
    'bearer\t',
    'BEARER  x',
    'Bearer\u00a0x',
    'Bearer a, Bearer b',
  ])('never lets the cookie count for %j', async (value) => {
    const { gate, send } = await signedIn()
    gate.reached.length = 0
    expect(await send(value)).toBe(401)
    expect(gate.reached).toEqual([])
  })

  test.each(['Basic YTpi', 'Bearerx', 'DPoP x', 'Negotiate x'])(
    'leaves the cookie alone, and reaches the app, for %j',
    async (value) => {
      const { send } = await signedIn()
      expect(await send(value)).toBe(200)
    },
  )

  test('with a valid token, the token is the user, and the response sets no cookie', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate({
      provider: { staff: oidcOf(vendor) },
      bearer: { issuers: [{ issuer: idp.origin, audience: API }] },
    })
    const browser = createBrowser()
    await browser.get(gate.url('/'))
    const headers = { Authorization: `Bearer ${await idp.token()}` }
    const page = await browser.get(gate.url('/'), { headers })
    expect(JSON.parse(page.body)).toMatchObject({ user: { key: `${idp.origin}:ada` } })
    expect(page.headers['set-cookie']).toBeUndefined()
    expect(page.body).not.toContain('ngrok.session')
  })
})

describe('what was verified', () => {
  test('counts for nothing under a configuration with another audience, issuer, or list', async () => {
    const gate = await startApi(idp, { entry: { groups: ['staff'] } })
    const token = await idp.token({ groups: ['staff'] })
    const second = await startTokenIssuer()
    const apply = (entry: object) =>
      gate.middleware.reconfigure({
        ...{ secret, provider: { web: unused() } },
        bearer: { issuers: [{ issuer: idp.origin, audience: API, ...entry }] },
      })
    const expected: [object, unknown][] = [
      [{ groups: ['staff'] }, 200],
      [{ audience: 'other' }, 'invalid_token'],
      [{ groups: ['admins'] }, 'not_authorized'],
      [{ issuer: second.origin }, 'invalid_token'],
      [{ idClaim: 'client_id' }, 200],
    ]
    for (const [entry, result] of expected) {
      apply(entry)
      const answer = await call(gate, token)
      expect([entry, outcome(answer)]).toEqual([entry, result])
      if ('idClaim' in entry) expect(userOf(answer)['key']).toBe(`${idp.origin}:cli`)
    }
  })

  test('belongs to the whole token: a changed character is another token', async () => {
    const gate = await startApi(idp)
    const token = await idp.token()
    expect((await call(gate, token)).status).toBe(200)
    const last = token.at(-1) === 'A' ? 'Q' : 'A'
    for (const changed of [token.slice(0, -1) + last, `${token}=`, token.slice(0, -2), `${token}A`])
      expect(outcome(await call(gate, changed))).toBe('invalid_token')
  })

  test('an audience of two entries is that of the first one', async () => {
    const entry = { issuer: idp.origin }
    const gate = await startGate({
      provider: { web: unused() },
      bearer: {
        issuers: [
          { ...entry, audience: 'one', groups: ['admins'] },
          { ...entry, audience: 'two', groups: ['staff'] },
        ],
      },
    })
    const staff = (aud: unknown) => idp.token({ aud, groups: ['staff'] })
    expect(outcome(await call(gate, await staff('two')))).toBe(200)
    expect(outcome(await call(gate, await staff(['two', 'one'])))).toBe('not_authorized')
  })
})

describe('a flood of different tokens', () => {
  test('with signatures that no key verifies causes two requests for keys, and 401s', async () => {
    const gate = await startApi(idp)
    const key = await createKey()
    const made = await Promise.all(
      Array.from({ length: 300 }, (_, index) => idp.token({ index }, { key })),
    )
    const answers = await Promise.all(made.map((token) => call(gate, token)))
    expect(new Set(answers.map(outcome))).toEqual(new Set(['invalid_token']))
    expect(idp.count('/jwks')).toBeLessThanOrEqual(2)
    expect(idp.count('/.well-known/openid-configuration')).toBe(1)
    expect((await call(gate, await idp.token())).status).toBe(200)
    // Made-up tokens do not flood the log either.
    expect(gate.logged.filter((line) => /^(?:warn|error)/.test(line))).toEqual([])
  })

  test('of issuers that are not listed causes no request at all', async () => {
    const gate = await startApi(idp, {
      entry: { introspection: { clientId: 'a', clientSecret: 'b' } },
    })
    const key = await createKey()
    for (let index = 0; index < 50; index++) {
      const token = await idp.token({ iss: `https://evil-${index}.example` }, { key })
      expect(outcome(await call(gate, token))).toBe('invalid_token')
    }
    expect(idp.requests).toEqual([])
  })
})

describe('an introspection response that lies', () => {
  const introspection = { clientId: 'api', clientSecret: 'the secret of the API' }
  const active = () => ({ sub: 'ada', aud: API, token_type: 'Bearer', exp: seconds() + 600 })

  test.each([
    ['sub is an array', { sub: ['ada'] }],
    ['sub is an object', { sub: { id: 'ada' } }],
    ['active is an array', { active: [true] }],
    ['exp is a string that is no time', { exp: '1e9' }],
    ['exp is infinite', { exp: Number.MAX_VALUE * 2 }],
    ['iss is an array', { iss: ['https://evil.example'] }],
    ['aud is an object', { aud: { value: API } }],
    ['typ is that of an ID token', { typ: 'ID' }],
  ])('%s: rejected', async (_, change) => {
    const gate = await startApi(idp, { entry: { introspection } })
    const response = { active: true, ...active(), ...change }
    // JSON has no infinity.
    const json = JSON.stringify(response).replace('"exp":null', '"exp":1e999')
    idp.faults.set('/introspect', (_req, res) => void res.end(json))
    expect(outcome(await call(gate, 'opaque'))).toBe('invalid_token')
    expect(gate.reached).toEqual([])
  })

  test('a response of 5 MB, or one that never ends, is no response', async () => {
    const serve = (provider: number) =>
      startApi(idp, { entry: { introspection }, options: { timeouts: { provider, store: 20 } } })
    const gate = await serve(20)
    idp.faults.set('/introspect', (_req, res) => {
      res.end(JSON.stringify({ active: true, ...active(), filler: 'x'.repeat(5_000_000) }))
    })
    expect((await call(gate, 'opaque')).status).toBe(502)
    idp.faults.set('/introspect', (_req, res) => void res.write('{"active":true,'))
    const impatient = await serve(2)
    expect((await call(impatient, 'opaque-2')).status).toBe(504)
    expect([...gate.reached, ...impatient.reached]).toEqual([])
  })

  test('another client does not matter if the audience is right', async () => {
    const gate = await startApi(idp, { entry: { introspection } })
    idp.opaque.set('opaque', { ...active(), client_id: 'other', username: 'root' })
    expect(userOf(await call(gate, 'opaque'))['key']).toBe(`${idp.origin}:ada`)
  })

  test('a revocation takes effect a minute later, however often the token is used meanwhile', async () => {
    const clock = fakeDate()
    const gate = await startApi(idp, { entry: { introspection } })
    idp.opaque.set('opaque', { ...active(), exp: seconds() + 3600 })
    for (let count = 0; count < 12; count++) {
      expect((await call(gate, 'opaque')).status).toBe(200)
      clock.forward(4.9)
      if (count === 0) idp.opaque.delete('opaque')
    }
    clock.forward(1.3)
    expect((await call(gate, 'opaque')).status).toBe(401)
  })
})

describe('a guard', () => {
  const serve = (rules: object) =>
    startApi(idp, {
      setup: { routes: (app, auth) => app.use('/guarded', auth.requireAuth(rules)) },
    })

  test('of a device lets no token pass', async () => {
    const vendor = await startVendor('oidc')
    const gate = await startGate(
      {
        provider: { staff: oidcOf(vendor) },
        deviceBound: true,
        bearer: { issuers: [{ issuer: idp.origin, audience: API }] },
      },
      {
        routes: (app, auth) => app.use('/guarded', auth.requireAuth({ deviceBound: 'required' })),
      },
    )
    const answer = await call(gate, await idp.token(), { path: '/guarded' })
    expect([answer.status, answer.body['error']]).toEqual([403, 'device_required'])
  })

  test('of a recent login does not believe a login in the future', async () => {
    const gate = await serve({ maxAge: 300 })
    const token = await idp.token({ auth_time: seconds() + 3600 })
    expect((await call(gate, token, { path: '/guarded' })).status).toBe(401)
  })

  test('names only its own scopes to a token with very many', async () => {
    const gate = await serve({ scopes: ['reports:write'] })
    const scope = Array.from({ length: 500 }, (_, index) => `scope-${index}`).join(' ')
    const { challenge } = await call(gate, await idp.token({ scope }), { path: '/guarded' })
    expect(challenge).toContain('scope="reports:write"')
    expect(challenge.length).toBeLessThan(1000)
  })
})

test('pages of users for their devices are not shown to a token', async () => {
  const gate = await startApi(idp, {
    setup: { routes: (app, auth) => app.use('/devices', auth.devices()) },
  })
  const { status, body } = await call(gate, await idp.token(), { path: '/devices' })
  expect([status, body['error']]).toEqual([401, 'login_required'])
})

test('metadata that follows from the headers of a request is never cached for others', async () => {
  const metadata = (gate: Gate) =>
    call(gate, undefined, { path: '/.well-known/oauth-protected-resource' })
  const open = await startApi(idp)
  expect((await metadata(open)).headers.get('cache-control')).toBe('no-store')
  const fixed = await startApi(idp, { resource: 'https://app.example.com/mcp' })
  expect((await metadata(fixed)).headers.get('cache-control')).toBe('public, max-age=300')
})

test('a token cannot be sent in the body of a chunked request, in a trailer, or in a cookie', async () => {
  const gate = await startApi(idp)
  const token = await idp.token()
  const status = await new Promise((resolve, reject) => {
    const req = request(
      {
        ...{ host: '127.0.0.1', port: gate.port, method: 'POST' },
        headers: { Trailer: 'Authorization', Cookie: `access_token=${token}` },
      },
      (res) => {
        res.resume()
        resolve(res.statusCode)
      },
    )
    req.on('error', reject)
    req.write(`access_token=${token}`)
    req.addTrailers({ Authorization: `Bearer ${token}` })
    req.end()
  })
  expect(status).toBe(401)
  expect(gate.reached).toEqual([])
})
