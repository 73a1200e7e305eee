import type { ClientAuth, ProviderDefinition } from './definition.js'

/** A provider as its client needs it: the definition, and who we are there. */
export interface ClientConfig extends ProviderDefinition {
  name: string
  clientId: string
  clientSecret: string | undefined
  clientAuth: ClientAuth
  tokenHeaders: Readonly<Record<string, string>>
  trustEmail: boolean
  /** Milliseconds for a whole exchange. */
  timeout: number
  /** Seconds. */
  clockTolerance: number
}
