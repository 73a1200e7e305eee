import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { oidcProvider } from '../../src/index.js'
import { type Finding } from '../../src/command/doctor/index.js'
import { certificateProblem } from '../../src/command/doctor/network.js'
import { examine, summary, wrong } from '../support/doctor.js'
import type { DoctorCase } from '../support/doctor-process.js'
import { startFront } from '../support/front.js'
import { oidcOf, startGate, stopAll } from '../support/gate.js'
import { createPrivateCa, type PrivateCa } from '../support/private-ca.js'
import { freePorts } from '../support/programs.js'
import { providerOf, startVendor } from '../support/providers.js'

const authorities: PrivateCa[] = []

afterEach(stopAll)

afterAll(() => {
  for (const ca of authorities) ca.remove()
})

function privateCa(hosts: readonly string[], days: number): PrivateCa {
  const ca = createPrivateCa(hosts, days)
  authorities.push(ca)
  return ca
}

const client = { clientId: 'dev-client', clientSecret: 'dev-client-secret' }
const providerAt = (issuer: string) => ({ idp: oidcProvider({ issuer, ...client }) })

/** A provider over TLS with this certificate. Returns its issuer. */
async function startTlsProvider(ca: PrivateCa): Promise<string> {
  const front = await startFront({ tls: ca })
  const vendor = await startVendor('oidc', { settings: { publicOrigin: front.origin } })
  front.target = Number(new URL(vendor.origin).port)
  return front.origin
}

/** The findings of the doctor in a process that trusts these authorities. */
async function examineIn(trusted: readonly PrivateCa[], cases: readonly DoctorCase[]) {
  const folder = mkdtempSync(join(tmpdir(), 'oauth-module-doctor-'))
  const bundle = join(folder, 'ca.pem')
  writeFileSync(bundle, trusted.map(({ caFile }) => readFileSync(caFile, 'utf8')).join('\n'))
  const file = join(process.cwd(), '__tests__/support/doctor-process.ts')
  const args = ['--import', 'tsx', file, JSON.stringify(cases)]
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: bundle }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  rmSync(folder, { recursive: true, force: true })
  return JSON.parse(stdout) as Finding[][]
}

describe('a provider that cannot be reached', () => {
  test('because nothing listens there', async () => {
    const [port] = await freePorts(1)
    const findings = await examine({ provider: providerAt(`http://127.0.0.1:${port}`) })
    expect(summary(findings)).toEqual(['error provider/connection_refused'])
    expect(wrong(findings)[0]?.problem).toContain(`127.0.0.1:${port}`)
  })

  test('because its host does not exist', async () => {
    const findings = await examine({ provider: providerAt('https://idp.invalid') })
    expect(summary(findings)).toEqual([
      expect.stringMatching(/^error provider\/(?:host_unknown|dns_unavailable)$/),
    ])
  })

  test('because Node does not use the proxy of the environment', async () => {
    process.env['HTTPS_PROXY'] = 'http://user:the-password@proxy.invalid:3128'
    const findings = await examine({ provider: providerAt('https://idp.invalid') })
    delete process.env['HTTPS_PROXY']
    expect(wrong(findings)[0]?.fix).toContain('NODE_USE_ENV_PROXY=1')
    expect(JSON.stringify(findings)).not.toContain('the-password')
  })

  test('although browsers reach it', async () => {
    const [vendor, [port]] = await Promise.all([startVendor('oauth2'), freePorts(1)])
    const tokenUrl = `http://127.0.0.1:${port}/token`
    const findings = await examine({ provider: providerOf(vendor, { tokenUrl }) })
    expect(summary(findings)).toEqual(['error provider/connection_refused'])
    expect(wrong(findings)[0]?.problem).toContain('the token endpoint')
  })

  test('because it does not respond in time', async () => {
    const silent = createTcpServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const provider = providerAt(`http://127.0.0.1:${port}`)
    const findings = await examine({ provider, timeouts: { provider: 0.2 } })
    silent.close()
    expect(summary(findings)).toEqual(['error provider/no_connection'])
  })
})

describe('a certificate', () => {
  test('of an authority that Node does not trust', async () => {
    const issuer = await startTlsProvider(privateCa(['localhost'], 90))
    const findings = await examine({ provider: providerAt(issuer) })
    expect(summary(findings)).toEqual(['error provider/certificate_untrusted'])
    expect(wrong(findings)[0]?.fix).toContain('NODE_EXTRA_CA_CERTS')
  })

  test('that is not valid yet', () => {
    expect(certificateProblem('CERT_NOT_YET_VALID', 'idp.example', 'the issuer')).toMatchObject({
      code: 'certificate_not_yet_valid',
      fix: 'Correct the clock of this machine.',
    })
  })

  test('is missing: the server speaks plain http', async () => {
    const vendor = await startVendor('oidc')
    const issuer = vendor.origin.replace('http:', 'https:')
    const findings = await examine({ provider: providerAt(issuer) })
    expect(summary(findings)).toEqual(['error provider/no_tls'])
    expect(wrong(findings)[0]?.fix).toContain('http instead of https')
  })
})

describe('with an authority that Node trusts', () => {
  const found = new Map<string, Finding[]>()
  const findingsOf = (name: string) => found.get(name) ?? []

  beforeAll(async () => {
    const trusted = {
      healthy: privateCa(['localhost'], 90),
      soon: privateCa(['localhost'], 14),
      expired: privateCa(['localhost'], 0),
      other: privateCa(['idp.example.com'], 90),
    }
    const at = async (ca: PrivateCa) => ({
      provider: { issuer: await startTlsProvider(ca), ...client },
    })
    const cases = new Map<string, DoctorCase>([
      ['a healthy provider', await at(trusted.healthy)],
      ['a provider that expires soon', await at(trusted.soon)],
      ['an expired provider', await at(trusted.expired)],
      ['a provider of another name', await at(trusted.other)],
      ['a healthy gate', await startPublic(trusted.healthy, true)],
      ['a gate that does not see https', await startPublic(trusted.healthy, false)],
      ['a gate that expires soon', await startPublic(trusted.soon, true)],
    ])
    const results = await examineIn(Object.values(trusted), [...cases.values()])
    for (const [index, name] of [...cases.keys()].entries()) found.set(name, results[index] ?? [])
    await stopAll()
  })

  test.each(['a healthy provider', 'a healthy gate'])('%s yields nothing', (name) => {
    expect(findingsOf(name).length).toBeGreaterThan(0)
    expect(wrong(findingsOf(name))).toEqual([])
  })

  test('the certificate of a provider expires soon', () => {
    const findings = findingsOf('a provider that expires soon')
    expect(summary(findings)).toEqual(['warning provider/certificate_expires'])
    expect(wrong(findings)[0]?.problem).toMatch(/localhost .* expires in 13 days/)
  })

  test('the certificate of a provider has expired', () => {
    const findings = findingsOf('an expired provider')
    expect(summary(findings)).toEqual(['error provider/certificate_expired'])
  })

  test('the certificate of a provider is for another host', () => {
    const findings = findingsOf('a provider of another name')
    expect(summary(findings)).toEqual(['error provider/certificate_other_host'])
  })

  test('the certificate of the public URL expires soon', () => {
    const findings = findingsOf('a gate that expires soon')
    expect(summary(findings)).toEqual(['warning public-url/certificate_expires'])
  })

  test('a proxy in front of the gate does not report https', () => {
    const findings = findingsOf('a gate that does not see https')
    expect(summary(findings)).toEqual([
      'error public-url/scheme_differs',
      'warning public-url/cookie_without_secure',
    ])
    expect(wrong(findings)[0]?.fix).toContain('X-Forwarded-Proto')
  })
})

/** A gate behind a proxy that ends TLS, with or without its own `baseUrl`. */
async function startPublic(ca: PrivateCa, hasBaseUrl: boolean): Promise<DoctorCase> {
  const [vendor, front] = await Promise.all([startVendor('oidc'), startFront({ tls: ca })])
  const gate = await startGate({
    provider: { idp: oidcOf(vendor) },
    ...(hasBaseUrl && { baseUrl: front.origin }),
  })
  front.target = gate.port
  return { provider: { issuer: vendor.origin, ...client }, baseUrl: front.origin }
}
