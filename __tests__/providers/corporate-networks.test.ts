import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { type ForwardProxy, startForwardProxy } from '../support/forward-proxy.js'
import { stopAll, stopping, untilCallback } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'
import type { NetworkProcessOptions } from '../support/network-process.js'
import { createPrivateCa, type PrivateCa } from '../support/private-ca.js'
import { startVendor } from '../support/providers.js'

/** No name server knows this host: only the proxy reaches it. */
const HOST = 'idp.corp.example'
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

interface Recipe {
  readonly env: Record<string, string>
  readonly usesUndici: boolean
}

/** The recipes of docs/networks.md that this version of Node supports. */
const recipes: [string, Recipe][] = []
// https://nodejs.org/api/cli.html#node_use_env_proxy1
if (major >= 24 || (major === 22 && minor >= 21))
  recipes.push(['NODE_USE_ENV_PROXY=1', { env: { NODE_USE_ENV_PROXY: '1' }, usesUndici: false }])
// The undici of the tests does not support versions of Node before 20.18.
if (major > 20 || minor > 18)
  recipes.push(['EnvHttpProxyAgent of undici', { env: {}, usesUndici: true }])

let ca: PrivateCa
let vendor: VendorServer
let proxy: ForwardProxy
let tls: Server

beforeAll(async () => {
  ca = createPrivateCa([HOST, 'localhost'])
  vendor = await startVendor('oidc')
  tls = await startTls(ca)
  proxy = await startForwardProxy((_, port) => portOf(port === 443 ? tls : vendor.origin))
})
afterEach(() => {
  proxy.requests.length = 0
  proxy.refuse = undefined
})
afterAll(async () => {
  await stopAll()
  ca.remove()
})

function portOf(server: Server | string): number {
  return typeof server === 'string'
    ? Number(new URL(server).port)
    : (server.address() as AddressInfo).port
}

async function listening(server: Server): Promise<Server> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = async () => void server.close()
  stopping({ close })
  return server
}

/** TLS in front of the vendor. */
function startTls({ key, cert }: Pick<PrivateCa, 'key' | 'cert'>): Promise<Server> {
  const server = createTlsServer({ key, cert }, (client) => {
    const upstream = connect(portOf(vendor.origin), '127.0.0.1')
    client.pipe(upstream).pipe(client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  return listening(server)
}

/** A gate in a process with this environment, whose provider has this issuer. */
async function startGate(
  issuer: string,
  env: Record<string, string>,
  more: Partial<NetworkProcessOptions> = {},
) {
  vendor.settings.publicOrigin = issuer
  const { clientId, clientSecret } = vendor
  const options: NetworkProcessOptions = {
    issuer,
    clientId,
    clientSecret,
    usesUndici: false,
    ...more,
  }
  const own = Object.entries(process.env).filter(
    ([name]) => !/proxy$|^NODE_(?:EXTRA|USE)/i.test(name),
  )
  const child = fork(
    join(process.cwd(), '__tests__/support/network-process.ts'),
    [JSON.stringify(options)],
    {
      execArgv: ['--import', 'tsx'],
      env: { ...Object.fromEntries(own), ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => (printed += String(chunk)))
  const exited = once(child, 'exit')
  stopping({
    close: async () => {
      child.kill()
      await exited
    },
  })
  const port = await Promise.race([
    once(child, 'message').then(([message]) => Number(message)),
    exited.then(() => Promise.reject(new Error(`the process ended: ${printed}`))),
  ])
  return { origin: `http://localhost:${port}`, printed: () => printed }
}

type Started = Awaited<ReturnType<typeof startGate>>

/** Logs in with a browser that reaches the provider at another address than the server. */
async function logIn({ origin }: Started) {
  const browser = createBrowser()
  const start = await browser.get(`${origin}/`, { follow: false })
  if (start.location === undefined) return start
  const { pathname, search } = new URL(start.location)
  const page = await browser.get(vendor.origin + pathname + search, { follow: untilCallback })
  return browser.get(String(page.location))
}

/** The page of a login that fails, and the line in the log. */
async function failure(gate: Started) {
  const page = await logIn(gate)
  const code = /<code[^>]*>\s*([a-z_]+)\s*<\/code>/.exec(page.body)?.[1]
  const line = gate
    .printed()
    .split('\n')
    .find((one) => one.includes(String(code)))
  return { code, line: line ?? gate.printed() }
}

const describeRecipe = (name: string, { env, usesUndici }: Recipe) =>
  describe(`A17: a forward proxy, with ${name}`, () => {
    const withProxy = (more: Record<string, string> = {}) => ({
      ...env,
      HTTPS_PROXY: proxy.url,
      HTTP_PROXY: proxy.url,
      NODE_EXTRA_CA_CERTS: ca.caFile,
      ...more,
    })

    test('a login at a provider that only HTTPS_PROXY reaches succeeds through CONNECT', async () => {
      const gate = await startGate(`https://${HOST}`, withProxy(), { usesUndici })
      const page = await logIn(gate)
      expect([page.status, page.body]).toEqual([200, 'user user-1'])
      expect(new Set(proxy.requests)).toEqual(new Set([`CONNECT ${HOST}:443`]))
    })

    test('a login at a provider in NO_PROXY does not use the proxy', async () => {
      const gate = await startGate(
        `https://localhost:${portOf(tls)}`,
        withProxy({ NO_PROXY: 'localhost,.svc.cluster.local' }),
        { usesUndici },
      )
      expect((await logIn(gate)).status).toBe(200)
      expect(proxy.requests).toEqual([])
    })

    test('a provider over plain http, permitted by insecureHttp, is reached by HTTP_PROXY', async () => {
      const gate = await startGate(`http://${HOST}`, withProxy(), {
        usesUndici,
        insecureHttp: true,
      })
      expect((await logIn(gate)).status).toBe(200)
      expect(proxy.requests.length).toBeGreaterThan(0)
    })

    test('a proxy that rejects the connection is named in the log, without its URL', async () => {
      proxy.refuse = 407
      const { port } = new URL(proxy.url)
      const gate = await startGate(
        `https://${HOST}`,
        withProxy({ HTTPS_PROXY: `http://user:canary@127.0.0.1:${port}` }),
        { usesUndici },
      )
      const { code, line } = await failure(gate)
      expect([code, line]).toEqual([
        'provider_unreachable',
        expect.stringContaining('the proxy responded to CONNECT with status 407'),
      ])
      expect(gate.printed()).not.toContain('canary')
    })
  })
for (const [name, recipe] of recipes) describeRecipe(name, recipe)

describe('A17: a proxy in the environment that Node does not use', () => {
  test('is named in the log, with the setting that helps', async () => {
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY']) {
      const gate = await startGate(`https://${HOST}`, { [name]: proxy.url })
      const { code, line } = await failure(gate)
      expect(code).toBe('provider_unreachable')
      expect(line).toMatch(/ENOTFOUND|EAI_AGAIN/)
      expect(line).toContain(name)
      expect(line).toContain('NODE_USE_ENV_PROXY=1')
      expect(line).toContain('EnvHttpProxyAgent')
    }
    expect(proxy.requests).toEqual([])
  })

  test('is named in the log if a firewall drops the packets instead, at the timeout', async () => {
    const silent = await listening(createServer())
    const gate = await startGate(
      `https://0.0.0.0:${portOf(silent)}`,
      { HTTPS_PROXY: proxy.url },
      { timeout: 1 },
    )
    const { code, line } = await failure(gate)
    expect(code).toBe('provider_timeout')
    expect(line).toMatch(/0\.0\.0\.0:\d+ did not respond in time.*NODE_USE_ENV_PROXY=1/)
  })

  test('is not blamed for a host in NO_PROXY, or if there is none', async () => {
    for (const env of [{ HTTPS_PROXY: proxy.url, NO_PROXY: `.corp.example,${HOST}` }, {}]) {
      const { code, line } = await failure(await startGate(`https://${HOST}`, env))
      expect(code).toBe('provider_unreachable')
      expect(line).not.toContain('NODE_USE_ENV_PROXY')
    }
  })
})

describe('A17: the certificate of an internal authority', () => {
  const issuer = () => `https://localhost:${portOf(tls)}`

  test('is accepted with NODE_EXTRA_CA_CERTS', async () => {
    const gate = await startGate(issuer(), { NODE_EXTRA_CA_CERTS: ca.caFile })
    expect((await logIn(gate)).status).toBe(200)
  })

  test('is rejected otherwise, and the log names NODE_EXTRA_CA_CERTS', async () => {
    const { code, line } = await failure(await startGate(issuer(), {}))
    expect(code).toBe('provider_unreachable')
    expect(line).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE.*NODE_EXTRA_CA_CERTS/)
  })

  test('that is for another host or has expired is rejected, and the log names the cause', async () => {
    const env = { NODE_EXTRA_CA_CERTS: ca.caFile }
    const other = await failure(await startGate(`https://127.0.0.1:${portOf(tls)}`, env))
    expect(other.line).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID.*another host name/)
    const old = createPrivateCa(['localhost'], 0)
    const expired = await startTls(old)
    const late = await failure(
      await startGate(`https://localhost:${portOf(expired)}`, { NODE_EXTRA_CA_CERTS: old.caFile }),
    )
    old.remove()
    expect(late.line).toMatch(/CERT_HAS_EXPIRED.*clock/)
    for (const { line } of [other, late]) expect(line).not.toContain('NODE_EXTRA_CA_CERTS')
  })
})
