import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { AuthServer, JsonLog } from '../../src/command/gateway/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { startCommand } from '../support/command.js'
import { logIn } from '../support/corpus.js'
import { secret, stopAll, stopping } from '../support/gate.js'
import { startTestGateway, startUpstream, type TestSettings } from '../support/gateway.js'
import { createBrowser } from '../support/jar.js'
import { startVendor } from '../support/providers.js'

const adminToken = 'admin-token-of-thirty-two-characters-'
let vendor: VendorServer
let upstreamPort: number
const seen: string[] = []

beforeAll(async () => {
  vendor = await startVendor('github')
  const { port } = await startUpstream((req, res) => {
    seen.push(String(req.url))
    res.end('from the app')
  })
  upstreamPort = port
})
afterAll(stopAll)

const github = () => ({
  github: { clientId: vendor.clientId, clientSecret: vendor.clientSecret, ...vendor.options },
})

function startAdministered(more: Partial<TestSettings> = {}) {
  const options = { provider: github(), configVersion: 1 }
  return startTestGateway({ target: upstreamPort, adminToken, options, ...more })
}

async function send(origin: string, path: string, init: RequestInit = {}) {
  const headers = { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' }
  const response = await fetch(origin + path, { headers, ...init })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const MODULE = '/auth/admin/edges/https/main/routes/app/oauth'

describe('the admin API of the command', () => {
  test('lists users, and a person whom a change removes is out at the next request', async () => {
    const gateway = await startAdministered()
    const { origin } = gateway
    const cookie = await logIn(gateway)
    const get = () => fetch(`${origin}/page`, { headers: { cookie }, redirect: 'manual' })
    expect((await get()).status).toBe(200)
    const { body } = await send(origin, '/auth/admin/app/users')
    expect(body['application_users']).toHaveLength(1)

    const { clientId: client_id } = vendor
    const provider = { github: { client_id, email_addresses: ['someone@else.example'] } }
    const changed = await send(origin, MODULE, {
      method: 'PUT',
      body: JSON.stringify({ module: { provider } }),
    })
    expect(changed.status).toBe(200)
    expect((await get()).status).not.toBe(200)
    expect(gateway.lines.map(({ details }) => details['path'])).toContain(MODULE)
  })

  test('never reaches the app, needs the token, and takes no session for it', async () => {
    const gateway = await startAdministered({ allowPaths: ['GET /auth/*'] })
    const cookie = await logIn(gateway)
    seen.length = 0
    for (const headers of [{}, { cookie }, { Authorization: `Bearer ${'x'.repeat(40)}` }])
      expect((await send(gateway.origin, '/auth/admin/app/users', { headers })).status).toBe(401)
    expect((await send(gateway.origin, '/auth/admin/unknown')).status).toBe(404)
    expect(seen).toEqual([])
  })

  test('reads a body whose client waits for 100 Continue', async () => {
    const gateway = await startAdministered()
    const authorization = `Bearer ${adminToken}`
    const headers = { authorization, 'content-type': 'application/json', expect: '100-continue' }
    const sent = request(gateway.url(MODULE), { method: 'PUT', headers })
    sent.flushHeaders()
    await once(sent, 'continue')
    sent.end('{"module":{"unknown":1}}')
    const [{ statusCode }] = (await once(sent, 'response')) as [{ statusCode: number }]
    expect(statusCode).toBe(400)
  })

  test('does not exist without a token, and follows a new one', async () => {
    const gateway = await startTestGateway({ target: upstreamPort })
    const status = async () => (await send(gateway.origin, '/auth/admin/app/users')).status
    expect(await status()).toBe(404)
    gateway.reconfigure({ ...gateway.rules, adminToken })
    expect(await status()).toBe(200)
    gateway.reconfigure({ ...gateway.rules, adminToken: `${adminToken}new` })
    expect(await status()).toBe(401)
  })

  test('is served beside the subrequests of a proxy', async () => {
    const logger = new JsonLog()
    const server = new AuthServer({
      options: {
        provider: github(),
        secret,
        logger: { debug() {}, info() {}, warn() {}, error() {} },
      },
      mode: true,
      adminToken,
      logger,
    })
    await server.listen({ host: '127.0.0.1', port: 0 })
    stopping({ close: () => server.close() })
    const origin = `http://127.0.0.1:${server.port}`
    expect((await send(origin, '/auth/admin/app/users')).status).toBe(200)
  })
})

describe('--admin-token', () => {
  test('can be read from a file, and lets the API change the configuration', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'oauth-module-'))
    const file = join(folder, 'token')
    writeFileSync(file, `${adminToken}\n`)
    const args = [String(upstreamPort), '--oauth', 'dev', '--admin-token-file', file]
    const command = await startCommand(args)
    rmSync(folder, { recursive: true })
    const { status, body } = await send(command.origin, MODULE, {
      method: 'PUT',
      body: JSON.stringify({ inactivity_timeout: 3600 }),
    })
    expect([status, body['inactivity_timeout']]).toEqual([200, 3600])
    expect(command.printed()).not.toContain(adminToken)
    expect((await createBrowser().get(command.url('/'))).status).toBe(200)
  })

  test('that is short is a mistake', async () => {
    const args = [String(upstreamPort), '--oauth', 'dev', '--admin-token', 'short']
    await expect(startCommand(args)).rejects.toThrow(/admin-?token.*32/i)
  })
})
