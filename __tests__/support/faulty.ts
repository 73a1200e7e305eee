import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'

type Handler = (req: IncomingMessage, res: ServerResponse) => void

export interface FaultyServer {
  /** A URL with this handler. */
  url(handler: Handler): string
  /** A URL with an untrusted certificate. */
  selfSigned: string
  /** A URL where nothing listens. */
  refused: string
  /** Requests that are sent only by following a redirect or a link. */
  strayed: string[]
  stray: string
  close(): void
}

/** Responses that a well-behaved HTTP server cannot send. */
export async function startFaulty(): Promise<FaultyServer> {
  const handlers = new Map<string, Handler>()
  const strayed: string[] = []
  const plain = createServer((req, res) => {
    const handler = handlers.get((req.url ?? '').split('?')[0] ?? '')
    if (handler) return handler(req, res)
    strayed.push(`${req.method} ${req.url}`)
    res.end('{}')
  })
  const tls = createTlsServer({ key: KEY, cert: CERTIFICATE }, (_, res) => res.end('{}'))
  const gone = createTcpServer()
  const [origin, selfSigned, refused] = await Promise.all([
    listen(plain),
    listen(tls),
    listen(gone),
  ])
  await new Promise((resolve) => gone.close(resolve))
  return {
    url(handler) {
      const path = `/faulty-${handlers.size}`
      handlers.set(path, handler)
      return `http://127.0.0.1:${origin}${path}`
    },
    selfSigned: `https://127.0.0.1:${selfSigned}/`,
    refused: `http://127.0.0.1:${refused}/`,
    strayed,
    stray: `http://127.0.0.1:${origin}`,
    close() {
      plain.close()
      plain.closeAllConnections()
      tls.close()
      tls.closeAllConnections()
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

// Made for these tests, and not trusted.
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxJHDHsRplNgn0ENq
N4UGUv1INp7zTqOVmtSFviON3vahRANCAAQb4WWR2c8d3+SKZGyI8gFQnnDbLZz3
z+PCPE/jujgb6HDg4BvBsYQjyPc2WqT9hBsW7bLeg85vKqylMqs7Unsp
-----END PRIVATE KEY-----`

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBkTCCATagAwIBAgIUf+VqKLaD5FFnejSrQ3YmhZNGa1EwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMjAyMTI1OFoYDzIxMjYxMDI5
MDIxMjU4WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQb4WWR2c8d3+SKZGyI8gFQnnDbLZz3z+PCPE/jujgb6HDg4BvBsYQj
yPc2WqT9hBsW7bLeg85vKqylMqs7Unspo2QwYjAdBgNVHQ4EFgQUW5vmF9V+rSct
DoRVGEKwhA6AuZMwHwYDVR0jBBgwFoAUW5vmF9V+rSctDoRVGEKwhA6AuZMwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0kAMEYC
IQCgumQJxnJ2LsxSneDnQp3xpypx9eqg+PJWqL9L+y9RKQIhAIufdwl73N0Hhpnw
XLcemOkbqI1Mdl1Zad9Bh4TpLrXL
-----END CERTIFICATE-----`
