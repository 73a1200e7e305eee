import type { Provider } from '../access/provider.js'
import { ProviderClient } from '../oauth/client.js'
import type { ProviderLogger } from '../oauth/provider-log.js'

/** A configured provider and the client that communicates with it. */
export interface Connection {
  readonly provider: Provider
  readonly client: ProviderClient
  /**
   * The special path of the redirect URI: `callback`, or `callback/NAME` for every provider but the
   * first.
   */
  readonly callbackName: string
}

/** Connections by provider name. */
export type Connections = ReadonlyMap<string, Connection>

/**
 * The client of each provider, with its discovered metadata. Outlives a configuration if the
 * provider does not change.
 */
export type ProviderClients = WeakMap<Provider, ProviderClient>

/** The connections of a configuration. Reuses clients of unchanged providers. */
export function createConnections(
  providers: readonly Provider[],
  clients: ProviderClients,
  logger: ProviderLogger,
): Connections {
  return new Map(
    providers.map((provider, index) => {
      const client = clients.get(provider) ?? new ProviderClient(provider, logger)
      clients.set(provider, client)
      const callbackName = index === 0 ? 'callback' : `callback/${provider.name}`
      return [provider.name, { provider, client, callbackName }]
    }),
  )
}
