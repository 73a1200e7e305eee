import type { Provider } from '../access/provider.js'
import { ProviderClient } from '../oauth/client.js'

/** A configured provider and the client that communicates with it. */
export interface Connection {
  readonly provider: Provider
  readonly client: ProviderClient
  /** The special path of the redirect URI: `callback`, or `callback/NAME` for every provider but the first. */
  readonly callbackName: string
}

/** Connections by provider name. */
export type Connections = ReadonlyMap<string, Connection>

/** Connects the providers. Those that did not change keep their client, with the metadata that it has discovered. */
export function createConnections(
  providers: readonly Provider[],
  previous?: Connections,
): Connections {
  return new Map(
    providers.map((provider, index) => {
      const callbackName = index === 0 ? 'callback' : `callback/${provider.name}`
      const known = previous?.get(provider.name)
      const client = known?.provider === provider ? known.client : new ProviderClient(provider)
      return [provider.name, { provider, client, callbackName }]
    }),
  )
}
