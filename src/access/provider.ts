import type { ClientConfig } from '../oauth/client-config.js'
import type { Rules } from './rules.js'

/** A provider of a configuration: its definition, who we are there, and who may pass. */
export interface Provider extends ClientConfig {
  readonly label: string
  readonly iconUrl: string | undefined
  readonly color: string | undefined
  /** All scopes of an authorization request. */
  readonly requestedScopes: readonly string[]
  /** Scopes that the user must grant. */
  readonly requiredScopes: readonly string[]
  readonly connectionScopes: readonly string[]
  readonly connectionScopeSeparator: string
  readonly authorizationParams: Readonly<Record<string, string>>
  readonly authorizationParamsMap: Readonly<Record<string, string>>
  readonly rules: Rules
  /** Of all that decides who passes beside `rules`. */
  readonly rulesKey: string
  /** Client id and secret come from the environment: an operator's registration, shared among apps. */
  readonly isManaged: boolean
}

/** Whether an e-mail counts though the provider does not vouch for it. */
export function trustsEmail({
  trustEmail,
  emailClaimDecides,
}: Pick<Provider, 'trustEmail' | 'emailClaimDecides'>): boolean {
  return trustEmail && emailClaimDecides !== true
}
