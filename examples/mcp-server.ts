/**
 * An MCP server behind the gate: clients find the authorization server, sign the user in there, and
 * call tools. One tool needs a scope that clients request only when they call it.
 */
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express, { type Request } from 'express'
import { oauthModule, oidcProvider } from 'oauth-module'
import { startAuthorizationServer, webClient } from './support/authorization-server.js'
import { announce, port } from './support/provider.js'

const app = express()
const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error
})
await new Promise((resolve) => server.once('listening', resolve))

const { port: found } = server.address() as AddressInfo
const resource = `http://localhost:${found}/mcp`
const issuer = await startAuthorizationServer('reports:read reports:write')
const auth = oauthModule({
  provider: { acme: oidcProvider({ issuer, ...webClient }) },
  bearer: { issuers: [{ issuer, audience: resource, provider: 'acme' }], resource },
})
app.use(auth)

/** All tools share one path, so the message decides which guard applies. */
const mayWrite = auth.requireAuth({ scopes: ['reports:write'] })
const writes = ({ method, params }: Message) =>
  method === 'tools/call' && params?.name === 'delete_report'

interface Message {
  method?: string
  params?: { name?: string }
}

app.post('/mcp', express.json(), (req, res, next) => {
  const messages = [req.body as Message | Message[]].flat()
  if (messages.some(writes)) mayWrite(req, res, next)
  else next()
})
app.post('/mcp', async (req, res) => {
  const transport = new StreamableHTTPServerTransport({})
  const mcp = createServer(req)
  res.on('close', () => void mcp.close())
  await mcp.connect(transport)
  await transport.handleRequest(req, res, req.body)
})

/** Tools see the user of their request. */
function createServer({ oauth }: Request): McpServer {
  const mcp = new McpServer({ name: 'reports', version: '1.0.0' })
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })
  mcp.registerTool('list_reports', { description: 'Lists the reports of the user.' }, () =>
    text(`The reports of ${oauth.user?.key}: Q1, Q2`),
  )
  mcp.registerTool('delete_report', { description: 'Deletes the latest report.' }, () =>
    text(`${oauth.user?.key} deleted Q2`),
  )
  return mcp
}

app.get('/', (_req, res) => res.type('text').send(`Connect an MCP client to ${resource}\n`))

announce(found)
