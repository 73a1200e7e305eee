/**
 * Members of an organization at GitHub, whose sessions follow its webhooks. With the client ID and
 * secret of an OAuth app in the environment, it is the real GitHub: register the webhook as
 * docs/signals.md says. Without them, GitHub is simulated on this machine: sign in, and remove
 * yourself from the organization. The stream on the page ends at once.
 */
import { createHmac, randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { html, oauthModule } from 'oauth-module'
import { startVendor } from 'oauth-module/dev'
import { announce, port } from './support/provider.js'

const organization = process.env.GITHUB_ORGANIZATION ?? 'acme'
const secret = process.env.GITHUB_WEBHOOK_SECRET ?? 'only for this example'

const isReal = process.env.OAUTH_MODULE_GITHUB_CLIENT_ID !== undefined
const ada = { id: 1815, username: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' }
const simulated = isReal
  ? undefined
  : await startVendor('github', { users: [{ ...ada, organizations: [organization] }] })

const auth = oauthModule({
  provider: { github: { ...simulated?.options, organizations: [organization] } },
  signals: { webhooks: { github: { type: 'github', secret } } },
})
auth.on('signal', ({ type, outcome, sessions, user }) =>
  console.log(`webhook ${type}: ${outcome}, ${sessions} sessions of ${user}`),
)
auth.on('recheck', ({ outcome }) => console.log(`a user was checked: ${outcome}`))

const app = express()

/** What an owner of the organization would do at GitHub, and what GitHub sends then. */
if (simulated !== undefined)
  app.post('/simulated-github/remove', async (_req, res) => {
    simulated.user.organizations = []
    const body = JSON.stringify({
      action: 'member_removed',
      membership: { state: 'active', role: 'member', user: { login: ada.username, id: ada.id } },
      organization: { login: organization, id: 1 },
      sender: { login: 'owner', id: 2 },
    })
    const address = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${address.port}/auth/webhooks/github`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-GitHub-Event': 'organization',
        'X-GitHub-Delivery': randomUUID(),
        'X-Hub-Signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
      body,
    })
    res.send(`The app responded with ${response.status}.`)
  })

// Body parsers come after the gate: the signature covers the bytes of the body.
app.use(auth)
app.use(express.json())

app.get('/stream', (req, res) => {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  res.write('data: You are a member.\n\n')
  req.oauth.signal.addEventListener('abort', () => res.end('data: You are not a member.\n\n'))
})

app.get('/{*path}', (req, res) => {
  res.send(
    html`<!doctype html>
      <html lang="en">
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Webhooks of GitHub</title>
        <h1>Hello, <bdi>${req.oauth.user?.name}</bdi></h1>
        <p role="status">…</p>
        ${
          simulated &&
          html`<form method="post" action="/simulated-github/remove" target="_blank">
          <button>Remove me from ${organization} at GitHub</button>
        </form>`
        }
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
  announce((server.address() as AddressInfo).port)
})
