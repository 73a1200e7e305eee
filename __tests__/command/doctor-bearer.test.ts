import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals'
import { oidcProvider } from '../../src/index.js'
import { examine, summary, wrong } from '../support/doctor.js'
import { stopAll } from '../support/gate.js'
import { type OidcServer, startOidcProvider } from '../support/oidc.js'
import { providerOf, startVendor } from '../support/providers.js'
import { listen } from '../support/server.js'
import { API, createKey, startTokenIssuer, type TokenIssuer } from '../support/token-issuer.js'

let idp: TokenIssuer
let vendor: Awaited<ReturnType<typeof startVendor>>
let server: OidcServer | undefined

beforeEach(async () => {
  idp = await startTokenIssuer()
  vendor = await startVendor('github')
})
afterEach(stopAll)
afterAll(() => server?.close())

const introspection = { clientId: 'api', clientSecret: 'the secret of the API' }

const findingsFor = (entry: object = {}) =>
  examine({
    provider: providerOf(vendor),
    bearer: { issuers: [{ issuer: idp.origin, audience: API, ...entry }] },
  })

/** Where nothing listens any more. */
async function closedOrigin(): Promise<string> {
  const closed = await listen((_req, res) => res.end())
  await closed.close()
  return `http://127.0.0.1:${closed.port}`
}

/** The only finding, in the form "severity check/code: fix". */
async function found(entry: object = {}): Promise<string> {
  const findings = await findingsFor(entry)
  const fixes = wrong(findings).map(({ fix, provider }) => `${fix} (${String(provider)})`)
  return summary(findings)
    .map((line, index) => `${line}: ${fixes[index] ?? ''}`)
    .join('\n')
}

test('an issuer whose tokens can be verified yields no finding', async () => {
  expect(await found()).toBe('')
  expect(await found({ introspection })).toBe('')
  expect(idp.introspections).toHaveLength(1)
})

test('an issuer that cannot be reached is a finding with one fix', async () => {
  const issuer = await closedOrigin()
  expect(await found({ issuer })).toBe(
    `error bearer/connection_refused: Start the server there, or correct bearer.issuers[0].issuer. (${issuer})`,
  )
})

test('another issuer in the metadata is a finding that names the right one', async () => {
  const line = await found({ issuer: `${idp.origin}/` })
  expect(line).toMatch(/^error bearer\/issuer_mismatch: Set the option issuer to exactly/)
  expect(line).toContain(`"${idp.origin}"`)
})

test('metadata that does not exist, or names no keys, is a finding', async () => {
  idp.metadata = { jwks_uri: undefined }
  expect(await found()).toMatch(/^error bearer\/keys_missing: Set bearer\.issuers\[0\]\.endpoints/)
  idp.faults.set('/openid-configuration', (_req, res) => void res.writeHead(404).end('{}'))
  expect(await found()).toMatch(/^error bearer\/discovery_invalid: /)
})

test('a key set that cannot be read, or has no key for access tokens, is a finding', async () => {
  idp.faults.set('/jwks', (_req, res) => void res.writeHead(404).end('{}'))
  expect(await found()).toMatch(/^error bearer\/keys_unavailable: /)
  idp.faults.clear()
  const key = await createKey()
  idp.keys = [{ ...key, jwk: { ...key.jwk, use: 'enc' } }]
  expect(await found()).toMatch(/^error bearer\/no_signing_key: Have the issuer sign/)
})

test('a client that may not introspect is a finding without its secret', async () => {
  idp.faults.set('/introspect', (_req, res) => void res.writeHead(401).end('{}'))
  const findings = await findingsFor({ introspection })
  expect(summary(findings)).toEqual(['error bearer/introspection_rejected'])
  expect(wrong(findings)[0]?.fix).toMatch(/^Check clientId, clientSecret and clientAuth/)
  expect(JSON.stringify(findings)).not.toContain(introspection.clientSecret)
})

test('an introspection endpoint that is missing, fails, or accepts every token is a finding', async () => {
  idp.faults.set('/introspect', (_req, res) => void res.end('{"active":true,"sub":"ada"}'))
  expect(await found({ introspection })).toMatch(/^error bearer\/accepts_any_token: Check bearer/)
  idp.faults.set('/introspect', (_req, res) => void res.writeHead(500).end())
  expect(await found({ introspection })).toMatch(/^error bearer\/introspection_failed: /)
  idp.faults.set('/introspect', (_req, res) => void res.writeHead(429).end())
  expect(await found({ introspection })).toMatch(/^warning bearer\/provider_busy: /)
  const endpoint = `${await closedOrigin()}/introspect`
  expect(await found({ introspection: { ...introspection, endpoint } })).toMatch(
    /^error bearer\/connection_refused: .*bearer\.issuers\[0\]\.introspection\.endpoint/,
  )
  idp.metadata = { introspection_endpoint: undefined }
  expect(await found({ introspection })).toMatch(/^error bearer\/introspection_missing: Set bearer/)
})

test('an issuer of opaque tokens needs no metadata', async () => {
  idp.faults.set('/openid-configuration', (_req, res) => void res.writeHead(404).end('{}'))
  const endpoint = `${idp.origin}/introspect`
  const complete = { ...introspection, endpoint, clientAuth: 'post' }
  expect(await found({ introspection: complete })).toBe('')
})

test('a secret that is also the client secret of introspection is a finding', async () => {
  const secret = 'kX2!vPq9#Lm4$Rt7@Zw1&Yb6*Nc3^Hd8'
  const findings = await examine({
    secret,
    provider: providerOf(vendor),
    bearer: {
      issuers: [
        {
          ...{ issuer: idp.origin, audience: API },
          introspection: { ...introspection, clientSecret: secret },
        },
      ],
    },
  })
  expect(summary(findings)).toEqual(['error secret/secret_reused'])
})

test('oidc-provider accepts the client that introspects, and rejects a wrong secret', async () => {
  const client = {
    client_id: 'api',
    client_secret: 'the secret of the client, long enough',
    ...{ grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
  }
  server = await startOidcProvider({ clients: [client], clientCredentials: true })
  const { issuer } = server
  const summaryFor = async (clientSecret: string) =>
    summary(
      await examine({
        provider: { other: oidcProvider({ ...introspection, issuer: vendor.origin }) },
        bearer: {
          issuers: [{ issuer, audience: API, introspection: { clientId: 'api', clientSecret } }],
        },
      }),
    ).filter((line) => line.includes(' bearer/'))
  expect(await summaryFor(client.client_secret)).toEqual([])
  expect(await summaryFor('not this secret')).toEqual(['error bearer/introspection_rejected'])
})
