/// <reference path="./oidc-provider.d.ts" />
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider/lib/provider.js'
import { devConfiguration } from './dev-configuration.js'
import { isLoopback, readDevOptions, type DevProviderOptions } from './dev-options.js'
import { createInteractions, providerAnswers } from './interactions.js'
import type { Persona } from './personas.js'

export interface DevProvider {
  /** `http://127.0.0.1:PORT`, what `oidcProvider({ issuer, … })` takes. */
  issuer: string
  clientId: string
  clientSecret: string
  personas: readonly Persona[]
  close(): Promise<void>
}

/**
 * Starts an OpenID Connect provider on this computer, for trying things out and for tests. It asks for a persona
 * instead of a password, wants PKCE, and forgets everything when it closes.
 * Rejects when the port is taken.
 */
export async function devProvider(options: DevProviderOptions = {}): Promise<DevProvider> {
  const { port, personas, redirectUris } = readDevOptions(options)
  const server = createServer()
  const issuer = `http://127.0.0.1:${await listen(server, port)}`
  const clientId = 'dev-client'
  const clientSecret = randomBytes(32).toString('base64url')
  const provider = new Provider(
    issuer,
    await devConfiguration({ issuer, clientId, clientSecret, personas, answers: providerAnswers }),
  )
  const isAllowed = (uri: string) => isLoopback(uri) || redirectUris.includes(uri)
  Object.assign(provider.Client.prototype, {
    redirectUriAllowed: isAllowed,
    postLogoutRedirectUriAllowed: isAllowed,
  })
  provider.use(createInteractions({ provider, issuer, personas }))
  server.on('request', provider.callback())
  return { issuer, clientId, clientSecret, personas, close: () => close(server) }
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
