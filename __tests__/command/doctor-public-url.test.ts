import { afterEach, describe, expect, test } from '@jest/globals'
import type { OAuthModuleOptions } from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import type { Finding } from '../../src/command/doctor/index.js'
import { examine, summary, wrong } from '../support/doctor.js'
import { startFront, type Front, type FrontSettings } from '../support/front.js'
import { oidcOf, startGate, stopAll } from '../support/gate.js'
import { freePorts } from '../support/programs.js'
import { startVendor } from '../support/providers.js'
import { listen } from '../support/server.js'
import { startTokenIssuer } from '../support/token-issuer.js'

afterEach(stopAll)

interface Setup {
  readonly vendor: VendorServer
  readonly front: Front
  /** The public URL. */
  readonly baseUrl: string
  examine(): Promise<Finding[]>
}

async function setUp(settings: FrontSettings = {}, prefix = ''): Promise<Setup> {
  const [vendor, front] = await Promise.all([startVendor('oidc'), startFront(settings)])
  const baseUrl = front.origin + prefix
  return {
    ...{ vendor, front, baseUrl },
    examine: () => examine({ provider: { oidc: oidcOf(vendor) }, baseUrl }),
  }
}

/** Starts the gate behind the proxy. */
async function startBehind({ vendor, front }: Setup, options: Record<string, unknown> = {}) {
  const gate = await startGate({ provider: { oidc: oidcOf(vendor) }, ...options })
  front.target = gate.port
  return gate
}

describe('the public URL', () => {
  test('that reaches the gate is healthy', async () => {
    const setup = await setUp()
    await startBehind(setup, { baseUrl: setup.baseUrl })
    expect(wrong(await setup.examine())).toEqual([])
  })

  test('that reaches a gate without baseUrl, behind a proxy that passes on the host', async () => {
    const setup = await setUp()
    await startBehind(setup)
    expect(wrong(await setup.examine())).toEqual([])
  })

  test('where clients with access tokens do not find the metadata of the resource', async () => {
    const setup = await setUp()
    const idp = await startTokenIssuer()
    const resource = `${setup.baseUrl}/mcp`
    const bearer = { issuers: [{ issuer: idp.origin, audience: resource }], resource }
    const examineWith = async (options: Pick<OAuthModuleOptions, 'bearer'>) =>
      wrong(
        await examine({
          ...{ provider: { oidc: oidcOf(setup.vendor) }, baseUrl: setup.baseUrl },
          ...options,
        }),
      )
    await startBehind(setup, { baseUrl: setup.baseUrl })
    const [finding, ...others] = await examineWith({ bearer })
    expect(others).toEqual([])
    expect(finding).toMatchObject({
      ...{ severity: 'warning', check: 'public-url', code: 'resource_metadata_missing' },
      problem: expect.stringContaining('/.well-known/oauth-protected-resource/mcp responds with'),
    })
    await startBehind(setup, { baseUrl: setup.baseUrl, bearer })
    expect(await examineWith({ bearer })).toEqual([])
    // Another resource than that of the gate.
    const [other] = await examineWith({ bearer: { ...bearer, resource: setup.baseUrl } })
    expect(other?.code).toBe('resource_metadata_missing')
  })

  test('where nothing listens is a note on this machine', async () => {
    const [port] = await freePorts(1)
    const vendor = await startVendor('oidc')
    const baseUrl = `http://localhost:${port}`
    const findings = await examine({ provider: { oidc: oidcOf(vendor) }, baseUrl })
    expect(wrong(findings)).toEqual([])
    expect(findings.map(({ code }) => code)).toContain('gate_not_running')
  })

  test('whose host does not exist', async () => {
    const vendor = await startVendor('oidc')
    const baseUrl = 'https://app.invalid'
    const findings = await examine({ provider: { oidc: oidcOf(vendor) }, baseUrl })
    expect(summary(findings)).toEqual([
      expect.stringMatching(/^error public-url\/(?:host_unknown|dns_unavailable)$/),
    ])
  })

  test('whose proxy does not reach the gate', async () => {
    const setup = await setUp()
    expect(summary(await setup.examine())).toEqual(['warning public-url/gate_not_running'])
  })

  test('that leads to another server', async () => {
    const setup = await setUp()
    const other = await listen((_, res) => res.end('<h1>Hello</h1>'))
    setup.front.target = other.port
    expect(summary(await setup.examine())).toEqual(['error public-url/other_server'])
    await other.close()
  })

  test('that redirects to another one', async () => {
    const setup = await setUp()
    const other = await listen((req, res) =>
      res.writeHead(301, { location: `https://www.example.com${req.url}?key=value` }).end(),
    )
    setup.front.target = other.port
    const findings = await setup.examine()
    await other.close()
    expect(summary(findings)).toEqual(['error public-url/public_url_redirects'])
    expect(wrong(findings)[0]?.problem).toContain('to https://www.example.com/auth/session.')
  })

  test('that reaches a gate with another client', async () => {
    const setup = await setUp()
    await startBehind(setup, { provider: { oidc: oidcOf(setup.vendor, { clientId: 'other' }) } })
    expect(summary(await setup.examine())).toEqual(['error public-url/other_gate'])
  })

  test('that reaches a gate with other providers', async () => {
    const setup = await setUp()
    await startBehind(setup, {
      provider: { one: oidcOf(setup.vendor), two: oidcOf(setup.vendor) },
      baseUrl: setup.baseUrl,
    })
    const findings = await setup.examine()
    expect(wrong(findings)).toEqual([])
    expect(findings.map(({ code }) => code)).toContain('gate_login_unknown')
  })

  test('that is not known', async () => {
    const vendor = await startVendor('oidc')
    for (const listen of [undefined, { host: '0.0.0.0', port: 8080 }]) {
      const findings = await examine({ provider: { oidc: oidcOf(vendor) } }, { listen })
      expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
        'note public_url_unknown',
      ])
    }
  })

  test('that reaches a gate whose provider is down', async () => {
    const setup = await setUp()
    const other = await startVendor('oidc')
    await startBehind(setup, { provider: { oidc: oidcOf(other) } })
    await other.close()
    const findings = await setup.examine()
    expect(summary(findings)).toEqual(['error public-url/login_rejected'])
    expect(wrong(findings)[0]?.problem).toContain('status 502 and the error provider_unreachable')
  })
})

describe('a proxy in front of the gate', () => {
  test('that replaces the host', async () => {
    const setup = await setUp({ rewritesHost: true })
    await startBehind(setup)
    const findings = await setup.examine()
    expect(summary(findings)).toEqual(['error public-url/host_differs'])
    expect(wrong(findings)[0]?.fix).toContain('proxy_set_header Host $host')
  })

  test('that passes on the host without its port', async () => {
    const setup = await setUp({ rewritesHost: 'localhost' })
    await startBehind(setup)
    const findings = await setup.examine()
    expect(summary(findings)).toEqual(['error public-url/host_differs'])
    expect(wrong(findings)[0]?.fix).toContain('Host $http_host')
  })

  test('that replaces the host, with a gate that has a baseUrl', async () => {
    const setup = await setUp({ rewritesHost: true })
    await startBehind(setup, { baseUrl: setup.baseUrl })
    expect(summary(await setup.examine())).toEqual(['warning public-url/host_rewritten'])
  })

  test('that removes a prefix of the path', async () => {
    const setup = await setUp({ removesPrefix: '/app' }, '/app')
    await startBehind(setup)
    expect(summary(await setup.examine())).toEqual(['error public-url/path_differs'])
    await startBehind(setup, { baseUrl: setup.baseUrl })
    expect(summary(await setup.examine())).toEqual([])
  })

  test('that removes the cookies', async () => {
    const setup = await setUp({ removesCookies: true })
    await startBehind(setup, { baseUrl: setup.baseUrl })
    expect(summary(await setup.examine())).toEqual(['error public-url/cookie_removed'])
  })
})
