import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from '@jest/globals'
import { parseArguments } from '../../src/command/arguments.js'
import { loadConfiguration } from '../../src/command/configuration.js'
import { examine, type Finding } from '../../src/command/doctor/index.js'
import { summary, wrong } from '../support/doctor.js'
import { stopAll } from '../support/gate.js'
import { freePorts } from '../support/programs.js'
import { startVendor } from '../support/providers.js'

afterEach(stopAll)

async function doctor(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Finding[]> {
  return examine(() => loadConfiguration(parseArguments([...args]), env), env)
}

const secret = () => randomBytes(32).toString('hex')

describe('the configuration of the command', () => {
  test('that is healthy', async () => {
    const vendor = await startVendor('oidc')
    const target = new URL(vendor.origin).port
    const flags = [
      target,
      '--oauth',
      'acme',
      '--oauth-type',
      'oidc',
      '--oauth-issuer',
      vendor.origin,
    ]
    const client = [
      '--oauth-client-id',
      vendor.clientId,
      '--oauth-client-secret',
      vendor.clientSecret,
    ]
    const [port] = await freePorts(1)
    const findings = await doctor([
      ...flags,
      ...client,
      '--listen',
      String(port),
      '--secret',
      secret(),
    ])
    expect(wrong(findings)).toEqual([])
    expect(findings.find(({ code }) => code === 'redirect_uri')?.problem).toContain(
      `http://127.0.0.1:${port}/auth/callback`,
    )
  })

  test('reads secrets from the environment, and never prints them', async () => {
    const vendor = await startVendor('oidc')
    const [port] = await freePorts(1)
    const findings = await doctor(
      [String(port), '--oauth', 'acme', '--oauth-type', 'oidc', '--oauth-issuer', vendor.origin],
      {
        OAUTH_MODULE_OAUTH_CLIENT_ID: vendor.clientId,
        OAUTH_MODULE_OAUTH_CLIENT_SECRET: 'not-the-secret-of-the-client',
        OAUTH_MODULE_SECRET: 'changeme-changeme-changeme-changeme',
        OAUTH_MODULE_STORE: `redis://:the-password@127.0.0.1:${port}`,
      },
    )
    expect(summary(findings)).toEqual([
      'error secret/secret_known',
      'error credentials/client_rejected',
      'error store/connection_refused',
      'error target/target_down',
    ])
    const text = JSON.stringify(findings)
    for (const hidden of ['not-the-secret', 'changeme-changeme', 'the-password'])
      expect(text).not.toContain(hidden)
  })

  test('that cannot be loaded is a finding', async () => {
    const missing = await doctor(['--config', '/nowhere/gate.yaml'])
    expect(summary(missing)).toEqual(['error options/invalid_option'])
    expect(wrong(missing)[0]?.problem).toContain('/nowhere/gate.yaml')
    const listen = await doctor(['--oauth', 'dev', '--listen', 'no address'])
    expect(wrong(listen)[0]?.problem).toMatch(/^The option listen must be a port/)
  })

  test('names where an option was set', async () => {
    const client = ['--oauth-client-id', 'id', '--oauth-client-secret', 'the-client-secret']
    const findings = await doctor(['--oauth', 'github', ...client], {
      OAUTH_MODULE_SECRET: secret(),
      OAUTH_MODULE_COOKIE_PREFIX: 'a b',
    })
    expect(summary(findings)).toEqual(['error options/invalid_option'])
    expect(wrong(findings)[0]?.problem).toContain(
      'The option cookiePrefix, set by OAUTH_MODULE_COOKIE_PREFIX, must contain only',
    )
  })

  test('without a client ID', async () => {
    const findings = await doctor(['--oauth', 'github', '--secret', secret()])
    expect(summary(findings).every((one) => one === 'error options/invalid_option')).toBe(true)
    expect(wrong(findings)[0]?.problem).toContain('No client ID for github')
  })

  test('that listens beyond this machine without a public URL', async () => {
    const findings = await doctor(['--oauth', 'dev', '--listen', '0.0.0.0:8080'])
    expect(summary(findings)).toEqual(['error options/invalid_option'])
    expect(wrong(findings)[0]?.problem).toContain('--secret and --base-url are required')
  })

  test('with the development provider needs no registration', async () => {
    const [port = 0] = await freePorts(1)
    const findings = await doctor([
      '--oauth',
      'dev',
      '--listen',
      String(port),
      '--secret',
      secret(),
    ])
    expect(summary(findings)).toEqual(['warning options/questionable_option'])
    expect(findings.map(({ code }) => code)).not.toContain('redirect_uri')
  })
})
