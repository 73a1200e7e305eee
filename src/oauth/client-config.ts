import type { ProviderDefinition } from './definition.js'
import type { ClientAuth } from './endpoints.js'
import type { SigningAlgorithm } from './signing-algorithms.js'

/** A provider definition with the app's registration at the provider. */
export interface ClientConfig extends ProviderDefinition {
  /** The key in the option `provider`. */
  name: string
  clientId: string
  /** A private key with `clientAuth: 'private_key_jwt'`; `undefined` for a public client. */
  clientSecret: string | undefined
  /** `undefined`: the one that discovery lists. */
  clientAuth: ClientAuth | undefined
  /**
   * Whether the vendor supports only this client authentication, so that the option cannot change
   * it.
   */
  hasFixedClientAuth: boolean
  /**
   * Algorithms of ID tokens; `undefined`: those with a public key that the server metadata lists.
   */
  signingAlgorithms: readonly SigningAlgorithm[] | undefined
  /** Headers of token requests. */
  tokenHeaders: Readonly<Record<string, string>>
  /** Whether plain http is accepted outside loopback. */
  insecureHttp: boolean
  trustEmail: boolean
  /** Milliseconds for a whole exchange. */
  timeoutMs: number
  /** Seconds that clocks may differ. */
  clockTolerance: number
}
