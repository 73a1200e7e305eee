/**
 * Signals of another system, with a small transmitter of security event tokens (Shared Signals
 * Framework) on this machine. Sign in, then click the buttons in another tab: the stream on the
 * page ends at once, or the user is checked.
 */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { html, oauthModule } from 'oauth-module'
import { announce, chooseProvider, port } from './support/provider.js'

// The transmitter: an issuer with metadata and keys, which signs tokens and pushes them.
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'key-1', alg: 'ES256', use: 'sig' }
const transmitter = createServer((req, res) => {
  const body =
    req.url === '/jwks'
      ? { keys: [jwk] }
      : { issuer, jwks_uri: `${issuer}/jwks`, spec_version: '1_0' }
  res.setHeader('Content-Type', 'application/json').end(JSON.stringify(body))
})
await new Promise<void>((resolve) => transmitter.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${(transmitter.address() as AddressInfo).port}`

let appPort = port

/** Sends a security event token about a user to `/auth/signals`. (RFC 8417, RFC 8935) */
async function transmit(event: string, userId: string): Promise<number> {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    ...{ iss: issuer, aud: 'this-app', jti: randomUUID(), iat: Math.floor(Date.now() / 1000) },
    sub_id: { format: 'iss_sub', iss: issuer, sub: userId },
    events: { [`https://schemas.openid.net/secevent/caep/event-type/${event}`]: {} },
  }
  const input = `${encode({ alg: 'ES256', kid: 'key-1', typ: 'secevent+jwt' })}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(input), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  const response = await fetch(`http://127.0.0.1:${appPort}/auth/signals`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/secevent+jwt',
      Authorization: 'Bearer for this example only',
    },
    body: `${input}.${signature.toString('base64url')}`,
  })
  return response.status
}

const auth = oauthModule({
  provider: await chooseProvider(),
  signals: {
    transmitters: {
      local: { issuer, audience: 'this-app', authorization: 'Bearer for this example only' },
    },
  },
})
auth.on('signal', ({ type, outcome, sessions }) =>
  console.log(`signal ${type}: ${outcome}, ${sessions} sessions`),
)
auth.on('revoked', ({ reason }) => console.log(`a session ended: ${reason}`))

const app = express()

// What an administrator would do elsewhere. In front of the gate, for this example only.
app.post('/elsewhere/:event/:userId', async (req, res) => {
  res.send(`The app responded with ${await transmit(req.params.event, req.params.userId)}.`)
})

app.use(auth)

app.get('/stream', (req, res) => {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  res.write('data: Your session is open.\n\n')
  req.oauth.signal.addEventListener('abort', () => res.end('data: Your session has ended.\n\n'))
})

app.get('/', (req, res) => {
  const button = (event: string, label: string) =>
    html`<form method="post" action="/elsewhere/${event}/${req.oauth.user?.id}" target="_blank">
      <button>${label}</button>
    </form>`
  res.send(
    html`<!doctype html>
      <html lang="en">
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Signals</title>
        <h1>Hello, <bdi>${req.oauth.user?.name}</bdi></h1>
        <p role="status">…</p>
        ${button('session-revoked', 'Revoke the sessions of this user elsewhere')}
        ${button('credential-change', 'Change the credentials of this user elsewhere')}
        <script type="module">
          const source = new EventSource('/stream')
          source.onmessage = ({ data }) => (document.querySelector('p').textContent = data)
          source.onerror = () => source.close()
        </script>
      </html>`.toString(),
  )
})

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
  appPort = (server.address() as AddressInfo).port
  announce(appPort)
})
