/// <reference path="./oidc-provider.d.ts" />
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider/lib/provider.js'
import { devConfiguration } from './dev-configuration.js'
import { isLoopback, readDevOptions, type DevProviderOptions } from './dev-options.js'
import { Interactions, providerPages } from './interactions.js'
import type { Persona } from './personas.js'

/** A running {@link devProvider}. */
export interface DevProvider {
  /** `http://127.0.0.1:PORT`, for `oidcProvider({ issuer, … })`. */
  issuer: string
  /** The client ID of the only client. */
  clientId: string
  /** The secret of the client: the option, or a new one for each provider. */
  clientSecret: string
  /** The users who can sign in. */
  personas: readonly Persona[]
  /** Ends all connections and the server. Logins and tokens are lost. */
  close(): Promise<void>
}

/**
 * Starts an OpenID Connect provider on 127.0.0.1, for development and tests. It shows a choice of
 * personas instead of a password prompt, requires PKCE, and keeps everything in memory. Throws a
 * `TypeError` for invalid options, and rejects if the port is in use.
 *
 * ```ts
 * import { oauthModule, oidcProvider } from 'oauth-module'
 * import { devProvider } from 'oauth-module/dev'
 *
 * const { issuer, clientId, clientSecret } = await devProvider()
 * const auth = oauthModule({ provider: { dev: oidcProvider({ issuer, clientId, clientSecret }) } })
 * ```
 */
export async function devProvider(options: DevProviderOptions = {}): Promise<DevProvider> {
  defineUrlParse()
  const { port, personas, redirectUris, ...given } = readDevOptions(options)
  const server = createServer()
  if (given.unref) server.unref()
  const issuer = `http://127.0.0.1:${await listen(server, port)}`
  const clientId = 'dev-client'
  const { clientSecret = randomBytes(32).toString('base64url') } = given
  const provider = new Provider(
    issuer,
    await devConfiguration({ issuer, clientId, clientSecret, personas, pages: providerPages }),
  )
  const isAllowed = (uri: string) => isLoopback(uri) || redirectUris.includes(uri)
  Object.assign(provider.Client.prototype, {
    redirectUriAllowed: isAllowed,
    postLogoutRedirectUriAllowed: isAllowed,
  })
  const interactions = new Interactions({ provider, issuer, personas })
  provider.use((ctx, next) => interactions.handle(ctx, next))
  const handle = provider.callback()
  server.on('request', (req, res) => void handle(req, res))
  return { issuer, clientId, clientSecret, personas, close: () => close(server) }
}

/**
 * Node before 20.16 lacks `URL.parse`, which oidc-provider uses.
 * (https://url.spec.whatwg.org/#dom-url-parse)
 */
function defineUrlParse(): void {
  if ('parse' in URL) return
  Object.defineProperty(URL, 'parse', {
    value: (url: string, base?: string) => (URL.canParse(url, base) ? new URL(url, base) : null),
    configurable: true,
    writable: true,
  })
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()))
    server.closeAllConnections()
  })
}
