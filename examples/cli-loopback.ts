/**
 * A command-line tool that signs in with a browser on the same machine (RFC 8252), and calls the API
 * of examples/api-tokens.ts: `npx tsx examples/cli-loopback.ts http://localhost:3000`.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Json = Record<string, string | undefined> & { authorization_servers: string[] }
const json = async (response: Response) => (await response.json()) as Json
const api = process.argv[2] ?? 'http://localhost:3000'

// The API names its authorization server (RFC 9728), which names its endpoints (RFC 8414).
const { headers } = await fetch(`${api}/reports`)
const [, metadata] = /resource_metadata="([^"]+)"/.exec(headers.get('www-authenticate') ?? '') ?? []
if (metadata === undefined) throw new Error(`${api} accepts no tokens`)
const { resource = '', authorization_servers: servers } = await json(await fetch(metadata))
const issuer = servers[0] ?? ''
const server = await json(await fetch(`${issuer}/.well-known/openid-configuration`))

// Any free port of the address, not of a name that other programs may resolve. (RFC 8252, 7.3, 8.3)
const listener = createServer().listen(0, '127.0.0.1')
await once(listener, 'listening')
const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`

// PKCE, because other programs may see the redirect. (RFC 7636)
const verifier = randomBytes(32).toString('base64url')
const state = randomBytes(32).toString('base64url')
const url = new URL(server['authorization_endpoint'] ?? '')
const request = { client_id: 'cli', redirect_uri: redirectUri, resource }
url.search = new URLSearchParams({
  ...{ ...request, response_type: 'code', scope: 'reports:read', state },
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
}).toString()
console.log(`Open ${url.href}`)

// Pages of other sites can send requests to this port: only a response with our state counts.
let code: string | null = null
while (code === null) {
  const [req, res] = (await once(listener, 'request')) as [IncomingMessage, ServerResponse]
  const { pathname, searchParams } = new URL(req.url ?? '', redirectUri)
  const isOurs = pathname === '/callback' && searchParams.get('state') === state
  const isOfServer = isOurs && (searchParams.get('iss') ?? issuer) === issuer
  res.writeHead(isOfServer ? 200 : 404, { 'Content-Type': 'text/plain', Connection: 'close' })
  res.end(isOfServer ? 'You can close this window.' : 'Not found.')
  if (!isOfServer) continue
  if (searchParams.has('error')) throw new Error(`not signed in: ${searchParams.get('error')}`)
  code = searchParams.get('code')
}
listener.close()

const form = { ...request, grant_type: 'authorization_code', code, code_verifier: verifier }
const tokens = await json(
  await fetch(server['token_endpoint'] ?? '', { method: 'POST', body: new URLSearchParams(form) }),
)
if (tokens['access_token'] === undefined) throw new Error(`not signed in: ${tokens['error']}`)
const Authorization = `Bearer ${tokens['access_token']}`
console.log(await (await fetch(`${api}/reports`, { headers: { Authorization } })).text())
