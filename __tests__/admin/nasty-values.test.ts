import { afterEach, describe, expect, test } from '@jest/globals'
import { oauth2Provider } from '../../src/index.js'
import { adminGate, type AdminApp, deploy, startAdmin } from '../support/admin.js'
import { stopAll } from '../support/gate.js'

afterEach(stopAll)

const EDGE = '/edges/https/main/routes/route-0/oauth'
const CONNECTION = '/api/v2/connections/main.route-0.acme'
const SECRETS = /secret-of-the-code|secret-of-the-body/

/** As JSON, because some of them are no values of JavaScript. */
const NASTY = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e300',
  '4294967296',
  '9007199254740993',
  '""',
  '" "',
  '"\\u0000"',
  '"a\\r\\nX-Injected: 1"',
  '"\\ud800"',
  '"\\u202egnp.exe"',
  '"ﬀ\\u0130\\u212a"',
  '"__proto__"',
  '"<script>alert(1)</script>"',
  '"${process.env.SECRET}"',
  '"../../etc/passwd"',
  '"https://evil.example"',
  JSON.stringify('x'.repeat(9000)),
  '[]',
  '[null]',
  '[[]]',
  '["a","a"]',
  '["a",1]',
  '["\\u0000"]',
  '[""]',
  JSON.stringify(Array.from({ length: 2000 }, (_, index) => `a${index}`)),
  '{}',
  '{"length":1,"0":"a"}',
  '{"toString":"a"}',
  '{"__proto__":{"enabled":false}}',
  '{"a":{"b":{"c":{"d":{"e":{"f":1}}}}}}',
]

const gateOptions = {
  configVersion: 1,
  provider: {
    github: { clientId: 'gh-id', clientSecret: 'secret-of-the-code', organizations: ['acme'] },
    acme: oauth2Provider({
      authorizationUrl: 'https://auth.acme.example/authorize',
      tokenUrl: 'https://auth.acme.example/token',
      fetchUserProfile: () => ({ user_id: '1' }),
      clientId: 'acme-id',
      clientSecret: 'secret-of-the-code',
      tokenHeaders: { 'X-Key': 'secret-of-the-code' },
    }),
  },
}

type Json = Readonly<Record<string, unknown>>

/** The paths of all members of an object, and of the object itself. */
function pathsOf(value: Json, path: readonly string[] = []): (readonly string[])[] {
  const below = Object.entries(value).flatMap(([name, member]) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? pathsOf(member as Json, [...path, name])
      : [[...path, name]],
  )
  return path.length === 0 ? below : [path, ...below]
}

/** The text of an object in which one member is other JSON. */
function replaced(value: Json, [name = '', ...below]: readonly string[], json: string): string {
  const members = Object.entries(value).map(([key, member]) => {
    const text = JSON.stringify(member)
    if (key !== name) return `${JSON.stringify(key)}:${text}`
    return `${JSON.stringify(key)}:${below.length === 0 ? json : replaced(member as Json, below, json)}`
  })
  return `{${members.join(',')}}`
}

interface Tried {
  readonly app: AdminApp
  readonly method: string
  readonly path: string
  readonly valid: Json
}

/** Sends every nasty value at every place. */
async function attack({ app, method, path, valid }: Tried): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  let before = (await app.call('GET', path)).body
  for (const place of pathsOf(valid)) {
    let isAccepted = false
    for (const json of NASTY) {
      const body = replaced(valid, place, json)
      const response = await app.call(method, path, deploy, { body })
      const { status } = response
      counts[status] = (counts[status] ?? 0) + 1
      const what = `${place.join('.')}: ${json.slice(0, 60)}`
      expect([what, [200, 400, 403].includes(status)]).toEqual([what, true])
      expect(JSON.stringify(response.body)).not.toMatch(SECRETS)
      if (status === 200) isAccepted = true
      else
        expect([what, response.body]).toEqual([
          what,
          {
            error_code: expect.any(String),
            status_code: status,
            msg: expect.any(String),
            details: { field: expect.any(String) },
          },
        ])
    }
    const after = (await app.call('GET', path)).body
    if (!isAccepted) expect([place, after]).toEqual([place, before])
    before = after
  }
  return counts
}

describe('nasty values at every place of a body', () => {
  test('of a module are rejected, and change nothing, or are read back as they are', async () => {
    const gate = adminGate(gateOptions)
    const app = await startAdmin({ '/': gate })
    const valid = {
      edge_id: 'main',
      id: 'route-0',
      module: {
        enabled: true,
        provider: {
          github: {
            client_id: 'id',
            client_secret: 'secret-of-the-body',
            scopes: ['a'],
            email_addresses: ['ada@acme.example'],
            email_domains: ['acme.example'],
            teams: ['acme/a'],
            organizations: ['acme'],
          },
        },
        options_passthrough: false,
        cookie_prefix: 'ngrok.',
        inactivity_timeout: 60,
        maximum_duration: 600,
        auth_check_interval: 30,
      },
    }
    const counts = await attack({ app, method: 'PUT', path: EDGE, valid })
    expect(counts[400]).toBeGreaterThan(300)
    expect(counts[200]).toBeGreaterThan(20)
    expect(gate.logged.join('\n')).not.toMatch(SECRETS)
    expect(gate.logged.filter((line) => line.startsWith('error'))).toEqual([])
    // What was accepted can be sent back.
    const { body } = await app.call('GET', EDGE)
    const again = await app.call('PUT', EDGE, deploy, { body })
    expect([again.status, (await app.call('GET', EDGE)).body]).toEqual([200, body])
  }, 180_000)

  test('of a connection are rejected, and change nothing, or are read back as they are', async () => {
    const gate = adminGate(gateOptions)
    const app = await startAdmin({ '/': gate })
    const valid = {
      display_name: 'Acme',
      options: {
        client_id: 'acme-id',
        client_secret: 'secret-of-the-body',
        authorizationURL: 'https://auth.acme.example/authorize',
        tokenURL: 'https://auth.acme.example/token',
        scope: 'a b',
        icon_url: 'https://cdn.example/icon.png',
        scripts: { fetchUserProfile: 'code' },
        authParams: { a: 'b' },
        authParamsMap: { c: 'd' },
        customHeaders: { 'X-Key': 'secret-of-the-body' },
      },
      enabled_clients: ['a'],
    }
    const counts = await attack({ app, method: 'PATCH', path: CONNECTION, valid })
    expect(counts[400]).toBeGreaterThan(200)
    expect(counts[200]).toBeGreaterThan(20)
    expect(gate.logged.join('\n')).not.toMatch(SECRETS)
    expect(gate.logged.filter((line) => line.startsWith('error'))).toEqual([])
    const { body } = await app.call('GET', CONNECTION)
    const again = await app.call('PATCH', CONNECTION, deploy, {
      body: { options: body['options'] },
    })
    expect([again.status, (await app.call('GET', CONNECTION)).body]).toEqual([200, body])
  }, 180_000)
})
