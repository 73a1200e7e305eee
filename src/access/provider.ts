import type { ClientConfig } from '../oauth/client-config.js'
import type { Rules } from './rules.js'

/** A configured provider: its definition, the client registered with it, and the rules for its users. */
export interface Provider extends ClientConfig {
  /** The name on the sign-in page. */
  readonly label: string
  readonly iconUrl: string | undefined
  /** Background of the sign-in button, as `#rrggbb`. */
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
  /** Identifies the options that decide who may pass, other than `rules`. Part of the fingerprint of the rules. */
  readonly rulesKey: string
  /** The client ID and secret come from the environment: the operator's client, which several apps share. */
  readonly isManaged: boolean
}

/** Whether rules accept an email address that the provider has not verified. */
export function trustsEmail({
  trustEmail,
  emailClaimDecides,
}: Pick<Provider, 'trustEmail' | 'emailClaimDecides'>): boolean {
  return trustEmail && emailClaimDecides !== true
}
