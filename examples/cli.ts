/**
 * A command-line tool that signs in by device authorization (RFC 8628) and calls the API of
 * examples/api-tokens.ts: `npx tsx examples/cli.ts http://localhost:3000`.
 */
import { setTimeout } from 'node:timers/promises'

/** What the servers respond with. */
interface Answer {
  resource: string
  authorization_servers: string[]
  device_authorization_endpoint: string
  token_endpoint: string
  device_code: string
  user_code: string
  verification_uri_complete: string
  interval?: number
  access_token?: string
  error?: string
}
const json = async (response: Response) => (await response.json()) as Answer
const api = process.argv[2] ?? 'http://localhost:3000'

// The API names its authorization server (RFC 9728), which names its endpoints (RFC 8414).
const { status, headers } = await fetch(`${api}/reports`)
const [, metadata] = /resource_metadata="([^"]+)"/.exec(headers.get('www-authenticate') ?? '') ?? []
if (status !== 401 || metadata === undefined) throw new Error(`${api} accepts no tokens`)
const {
  resource,
  authorization_servers: [issuer],
} = await json(await fetch(metadata))
const server = await json(await fetch(`${issuer}/.well-known/openid-configuration`))
const post = (url: string, form: Record<string, string>) =>
  fetch(url, { method: 'POST', body: new URLSearchParams({ client_id: 'cli', ...form }) })

const device = await json(
  await post(server.device_authorization_endpoint, { scope: 'reports:read', resource }),
)
console.log(`Open ${device.verification_uri_complete} and confirm the code ${device.user_code}`)

let seconds = device.interval ?? 5
const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', resource }
let tokens: Pick<Answer, 'access_token' | 'error'> = { error: 'authorization_pending' }
while (tokens.error === 'authorization_pending' || tokens.error === 'slow_down') {
  // RFC 8628, 3.5
  if (tokens.error === 'slow_down') seconds += 5
  await setTimeout(seconds * 1000)
  tokens = await json(
    await post(server.token_endpoint, { ...grant, device_code: device.device_code }),
  )
}
if (tokens.access_token === undefined) throw new Error(`not signed in: ${tokens.error}`)
const Authorization = `Bearer ${tokens.access_token}`
console.log(await (await fetch(`${api}/reports`, { headers: { Authorization } })).text())
