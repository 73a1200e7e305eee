import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import type {
  OAuthClientInformationFull,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import { startExample, stopExamples } from '../support/examples.js'
import { createBrowser, formOf, type Page } from '../support/jar.js'

afterAll(stopExamples)

/** Fills in the forms of oidc-provider (login, then consent) until the redirect that `isDone` expects. */
async function approve(start: string, isDone: (page: Page) => boolean): Promise<Page> {
  const browser = createBrowser()
  let page = await browser.get(start, { follow: (url) => !url.includes('/callback?') })
  for (let step = 0; !isDone(page) && step < 8; step++) {
    const { action, fields } = formOf(page)
    const filled = 'login' in fields ? { ...fields, login: 'ada', password: 'any' } : fields
    page = await browser.post(action, filled, { follow: (url) => !url.includes('/callback?') })
  }
  if (!isDone(page))
    throw new Error(
      `not done: ${page.status} ${page.url} ${page.location} ${page.body.slice(0, 600)}`,
    )
  return page
}

test('mcp-server: an official client finds the metadata, signs in, calls a tool, and steps up for another one', async () => {
  const { origin } = await startExample('mcp-server')
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
  const { StreamableHTTPClientTransport } =
    await import('@modelcontextprotocol/sdk/client/streamableHttp.js')
  const { UnauthorizedError } = await import('@modelcontextprotocol/sdk/client/auth.js')

  const requested: URLSearchParams[] = []
  let client: OAuthClientInformationFull | undefined
  let tokens: OAuthTokens | undefined
  let verifier = ''
  let location = ''
  const provider = {
    redirectUrl: 'http://127.0.0.1:9/callback',
    clientMetadata: {
      client_name: 'test',
      redirect_uris: ['http://127.0.0.1:9/callback'],
      token_endpoint_auth_method: 'none',
      scope: 'reports:read',
    },
    clientInformation: () => client,
    saveClientInformation: (given: unknown) => {
      client = given as OAuthClientInformationFull
    },
    tokens: () => tokens,
    saveTokens: (given: OAuthTokens) => {
      tokens = given
    },
    redirectToAuthorization: (url: URL) => {
      requested.push(url.searchParams)
      location = url.href
    },
    saveCodeVerifier: (given: string) => {
      verifier = given
    },
    codeVerifier: () => verifier,
  }
  const open = () =>
    new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { authProvider: provider })
  const signIn = async (transport: InstanceType<typeof StreamableHTTPClientTransport>) => {
    const { location: callback = '' } = await approve(
      location,
      (page) => page.location?.includes('/callback?') === true,
    )
    const code = new URL(callback).searchParams.get('code')
    if (code === null) throw new Error(`no code: ${callback}`)
    await transport.finishAuth(code)
  }

  const first = open()
  await expect(
    new Client({ name: 'test', version: '1' }).connect(first as never),
  ).rejects.toBeInstanceOf(UnauthorizedError)
  expect(requested[0]?.get('resource')).toBe(`${origin}/mcp`)
  expect(requested[0]?.get('scope')).toBe('reports:read')
  await signIn(first)

  const mcp = new Client({ name: 'test', version: '1' })
  const transport = open()
  await mcp.connect(transport)
  const listed = await mcp.callTool({ name: 'list_reports' })
  expect(listed.content).toEqual([{ type: 'text', text: 'The reports of acme:ada: Q1, Q2' }])

  // The gate responds with insufficient_scope, and the client asks for the scope.
  await expect(mcp.callTool({ name: 'delete_report' })).rejects.toBeInstanceOf(UnauthorizedError)
  expect(requested[1]?.get('scope')).toBe('reports:read reports:write')
  await signIn(transport)
  const deleted = await mcp.callTool({ name: 'delete_report' })
  expect(deleted.content).toEqual([{ type: 'text', text: 'acme:ada deleted Q2' }])
  await mcp.close()
}, 120_000)

/** Starts a command-line tool. Resolves with the link that it prints. */
async function startTool(name: string, origin: string) {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(process.cwd(), `examples/${name}.ts`), origin],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const exit = once(child, 'exit')
  let printed = ''
  child.stderr.on('data', (chunk) => (printed += String(chunk)))
  const link = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      printed += String(chunk)
      const found = /Open (\S+)(?: and|\n)/.exec(printed)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', () => reject(new Error(printed)))
  })
  return {
    link,
    /** Everything that the tool has printed, after it has ended. */
    async printed() {
      await exit
      return printed
    },
  }
}

const REPORTS = '{"user":"acme:ada","kind":"token","reports":["Q1","Q2"]}'

test('api-tokens and cli: a command-line tool signs in by device authorization and calls the API', async () => {
  const { origin } = await startExample('api-tokens')
  const tool = await startTool('cli', origin)
  const done = await approve(tool.link, (page) => !page.body.includes('<form'))
  expect(done.status).toBe(200)
  expect(await tool.printed()).toContain(REPORTS)
}, 120_000)

test('api-tokens and cli-loopback: a command-line tool signs in by a redirect to its own port', async () => {
  const { origin } = await startExample('api-tokens')
  const tool = await startTool('cli-loopback', origin)
  const requested = new URL(tool.link).searchParams
  expect(requested.get('code_challenge_method')).toBe('S256')
  const redirectUri = requested.get('redirect_uri') ?? ''
  expect(redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)
  // What other programs and pages send does not end the login.
  for (const query of ['', '?code=made-up', '?code=made-up&state=made-up', '?error=access_denied'])
    expect((await fetch(redirectUri + query)).status).toBe(404)
  const other = new URLSearchParams({
    ...{ code: 'made-up', state: requested.get('state') ?? '', iss: 'https://evil.example' },
  })
  expect((await fetch(`${redirectUri}?${String(other)}`)).status).toBe(404)
  const { location = '' } = await approve(
    tool.link,
    (page) => page.location?.includes('/callback?') === true,
  )
  expect(location.startsWith(`${redirectUri}?`)).toBe(true)
  expect(await (await fetch(location)).text()).toBe('You can close this window.')
  expect(await tool.printed()).toContain(REPORTS)
}, 120_000)

test('cli-loopback ends with the reason if the user does not sign in', async () => {
  const { origin } = await startExample('api-tokens')
  const tool = await startTool('cli-loopback', origin)
  const { searchParams } = new URL(tool.link)
  const back = new URL(searchParams.get('redirect_uri') ?? '')
  back.search = new URLSearchParams({
    ...{ error: 'access_denied', state: searchParams.get('state') ?? '' },
  }).toString()
  await fetch(back)
  expect(await tool.printed()).toContain('not signed in: access_denied')
}, 120_000)
