/**
 * A function without a store: the session is in the user's cookie. Platforms that pass Node's
 * request and response call `handler`; here a local server calls it. Every copy of the function
 * needs the same OAUTH_MODULE_SECRET, and BASE_URL, because nothing else names the public URL.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cookieStore, type OAuthContext, oauthModule } from 'oauth-module'
import { announce, chooseProvider, greeting, port } from './support/provider.js'

const gate = oauthModule({
  provider: await chooseProvider(),
  store: cookieStore(),
  baseUrl: process.env.BASE_URL,
  // A copied cookie is valid until then: a logout in another process does not reach it.
  maximumDuration: 8 * 3600,
  inactivityTimeout: 3600,
  // A user who loses access at the provider loses it here after this long.
  authCheckInterval: 300,
  // The platform may freeze the process after the response.
  authCheckEarly: false,
})

/** Resolves when the response has been sent. */
export default function handler(
  req: IncomingMessage & { oauth?: OAuthContext },
  res: ServerResponse,
): Promise<void> {
  return new Promise((resolve) => {
    res.once('close', resolve)
    gate(req, res, (error) => {
      res.statusCode = error === undefined ? 200 : 500
      res.setHeader('Content-Type', 'text/plain; charset=utf-8')
      res.end(error === undefined && req.oauth ? greeting(req.oauth) : 'Something went wrong.\n')
    })
  })
}

const server = createServer((req, res) => void handler(req, res))
server.listen(port, '127.0.0.1', () => announce((server.address() as AddressInfo).port))
