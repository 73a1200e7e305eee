import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { fakeDate, realDate } from '../support/clock.js'
import { oidcOf, startGate, stopAll } from '../support/gate.js'
import { startVendor } from '../support/providers.js'
import { API, createKey, startTokenIssuer, type TokenIssuer } from '../support/token-issuer.js'

let idp: TokenIssuer
let vendor: Awaited<ReturnType<typeof startVendor>>

beforeEach(async () => {
  idp = await startTokenIssuer()
  vendor = await startVendor('oidc')
})
afterEach(async () => {
  await stopAll()
  realDate()
})

const introspection = { clientId: 'api', clientSecret: 'the secret of the API' }

/** The hints of `ready()`, and its log lines. */
async function problemsOf(entry: object = {}): Promise<{ hints: string[]; logged: string[] }> {
  const gate = await startGate({
    provider: { staff: oidcOf(vendor) },
    bearer: { issuers: [{ issuer: idp.origin, audience: API, ...entry }] },
  })
  const error: unknown = await gate.middleware.ready().catch((thrown: unknown) => thrown)
  const errors = error instanceof AggregateError ? error.errors : []
  return {
    hints: errors.map(({ hint }: { hint?: string }) => String(hint)),
    logged: gate.logged.filter((line) => line.startsWith('error')),
  }
}

test('ready() reads the metadata and the keys of an issuer, and tries introspection', async () => {
  expect((await problemsOf()).hints).toEqual([])
  expect(idp.requests).toEqual(['/.well-known/openid-configuration', '/jwks'])
  expect((await problemsOf({ introspection })).hints).toEqual([])
  expect(idp.introspections).toHaveLength(1)
})

test('ready() reports an issuer that is down, or is another one, once in the log', async () => {
  const down = await problemsOf({ issuer: 'http://127.0.0.1:9' })
  expect(down.hints).toEqual([expect.stringContaining('127.0.0.1:9 failed')])
  expect(down.logged).toHaveLength(1)
  expect(down.logged[0]).toContain('http://127.0.0.1:9')
  const { hints } = await problemsOf({ issuer: `${idp.origin}/` })
  expect(hints).toEqual([expect.stringMatching(/the discovery document has the issuer.*: set/)])
})

test('ready() reports keys that are missing or cannot be fetched, and a wrong clock', async () => {
  idp.metadata = { jwks_uri: undefined }
  expect((await problemsOf()).hints).toEqual([
    expect.stringMatching(/no jwks_uri.*: set endpoints\.jwks/),
  ])
  idp.metadata = {}
  idp.faults.set('/jwks', (_req, res) => void res.writeHead(500).end())
  expect((await problemsOf()).hints).toEqual([expect.stringContaining('status 500')])
  idp.faults.clear()
  fakeDate(Date.now() - 600_000)
  const { hints } = await problemsOf()
  expect(hints).toContainEqual(expect.stringMatching(/differs from that of this server by/))
})

test('ready() reports a client that may not introspect, and never its secret', async () => {
  idp.faults.set('/introspect', (_req, res) => void res.writeHead(401).end('{}'))
  const { hints, logged } = await problemsOf({ introspection })
  expect(hints).toEqual([
    expect.stringMatching(/responded with status 401: check clientId, clientSecret/),
  ])
  expect(logged.join('\n')).not.toContain(introspection.clientSecret)
})

test('ready() reports an endpoint that accepts every token, and one that does not exist', async () => {
  idp.faults.set('/introspect', (_req, res) => void res.end('{"active":true,"sub":"ada"}'))
  expect((await problemsOf({ introspection })).hints).toEqual([
    expect.stringContaining('reports a token that does not exist as active'),
  ])
  idp.metadata = { introspection_endpoint: undefined }
  expect((await problemsOf({ introspection })).hints).toEqual([
    expect.stringMatching(/no introspection_endpoint: set introspection\.endpoint/),
  ])
})

test('ready() accepts an issuer of opaque tokens that publishes no metadata', async () => {
  idp.faults.set('/openid-configuration', (_req, res) => void res.writeHead(404).end('{}'))
  const complete = { ...introspection, endpoint: `${idp.origin}/introspect` }
  expect((await problemsOf({ introspection: { ...complete, clientAuth: 'post' } })).hints).toEqual(
    [],
  )
  // Here, only the metadata shows how the client authenticates.
  expect((await problemsOf({ introspection: complete })).hints).toHaveLength(1)
  expect((await problemsOf()).hints).toHaveLength(1)
})

test('ready() fetches what the first request then finds', async () => {
  const gate = await startGate({
    provider: { staff: oidcOf(vendor) },
    bearer: { issuers: [{ issuer: idp.origin, audience: API }] },
  })
  await gate.middleware.ready()
  idp.keys.push(await createKey())
  const { status } = await fetch(gate.url('/'), {
    headers: { Authorization: `Bearer ${await idp.token()}` },
  })
  expect(status).toBe(200)
  expect(idp.count('/jwks')).toBe(1)
})
