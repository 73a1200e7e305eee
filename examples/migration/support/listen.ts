import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'

/** Starts an app, and returns its origin: express-openid-connect needs it before its middleware. */
export async function listen(app: Express): Promise<string> {
  const server = createServer(app).listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
  await once(server, 'listening')
  return `http://localhost:${(server.address() as AddressInfo).port}`
}
