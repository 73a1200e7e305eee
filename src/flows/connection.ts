import type { Provider } from '../access/provider.js'
import { sha256 } from '../http/ids.js'
import type { CallbackPaths } from '../http/special-paths.js'
import { ProviderClient } from '../oauth/client.js'
import type { ProviderLogger } from '../oauth/provider-log.js'

/** A configured provider and the client that communicates with it. */
export interface Connection {
  readonly provider: Provider
  readonly client: ProviderClient
  /**
   * Identifies provider, issuer and client ID in sessions. The name of the provider is not enough:
   * apps may share a store.
   */
  readonly clientKey: string
  /** Identifies the client in logins that are in progress. */
  readonly loginClient: string
  /** The path of the redirect URI, below the mount point. */
  readonly callbackPath: string
}

/** Connections by provider name. */
export type Connections = ReadonlyMap<string, Connection>

/**
 * The client of each provider, with its discovered metadata. Outlives a configuration if the
 * provider does not change.
 */
export type ProviderClients = WeakMap<Provider, ProviderClient>

/** The options that connections depend on. */
export interface ConnectionsConfig {
  readonly providers: readonly Provider[]
  readonly callbackPaths: CallbackPaths
}

/** The connections of a configuration. Reuses clients of unchanged providers. */
export function createConnections(
  { providers, callbackPaths }: ConnectionsConfig,
  clients: ProviderClients,
  logger: ProviderLogger,
  beforeDiscovery?: (name: string) => Promise<void>,
): Connections {
  return new Map(
    providers.map((provider) => {
      const client =
        clients.get(provider) ??
        new ProviderClient(provider, logger, () => beforeDiscovery?.(provider.name))
      clients.set(provider, client)
      const callbackPath = callbackPaths.get(provider.name) ?? ''
      const [clientKey, loginClient] = [clientKeyOf(provider), loginClientOf(provider)]
      return [provider.name, { provider, client, clientKey, loginClient, callbackPath }]
    }),
  )
}

function clientKeyOf({ name, issuer, clientId, epoch }: Provider): string {
  const parts = [name, issuer ?? '', clientId, ...(epoch === undefined ? [] : [epoch])]
  return sha256(JSON.stringify(parts)).slice(0, 16)
}

/** The code of an authorization response must not reach a token endpoint that moved meanwhile. */
function loginClientOf({ clientId, epoch }: Provider): string {
  return epoch === undefined ? clientId : `${clientId} ${epoch}`
}
