import type { ClientConfig } from '../oauth/client-config.js'
import type { VendorMark } from '../oauth/definition.js'
import type { ResponseMode } from '../oauth/endpoints.js'
import { membershipLists } from '../oauth/identity.js'
import type { Mistakes } from '../schema/field.js'
import { emailLists, type Rules, type RuleSet, ruleSets } from './rules.js'

/** How logins request a refresh token. */
export interface OfflineAccess {
  readonly scopes: readonly string[]
  /** Parameters of the authorization request. */
  readonly params: Readonly<Record<string, string>>
  /** Whether the option `offlineAccess` is set: then discovery does not decide. */
  readonly isExplicit: boolean
  /** Whether every login asks for the user's consent. */
  readonly requestsConsent: boolean
}

/**
 * A configured provider: its definition, the client registered with it, and the rules for its
 * users.
 */
export interface Provider extends ClientConfig {
  /** The name on the sign-in page. */
  readonly label: string
  readonly iconUrl: string | undefined
  /** The vendor whose mark is the icon, unless `iconUrl` is set. */
  readonly mark: VendorMark | undefined
  /** Background of the icon of a provider without a mark, as `#rrggbb`. */
  readonly color: string | undefined
  /** All scopes of an authorization request. */
  readonly requestedScopes: readonly string[]
  /** Scopes that the user must grant, if the provider reports what was granted. */
  readonly requiredScopes: readonly string[]
  /** Scopes that the user may decline. */
  readonly optionalScopes: readonly string[]
  /** Scopes that `?connection_scope=` may add. */
  readonly connectionScopes: readonly string[]
  readonly connectionScopeSeparator: string
  /** `undefined`: logins do not request a refresh token. */
  readonly offlineAccess: OfflineAccess | undefined
  /**
   * Whether the option `offlineAccess` is set although this vendor has no way to request a refresh
   * token.
   */
  readonly ignoresOfflineAccess: boolean
  readonly responseMode: ResponseMode
  /** The option `callbackPath` of the provider. */
  readonly callbackPath: string | undefined
  /** Whether a logout at the provider sends the ID token. */
  readonly logoutHint: boolean
  readonly authorizationParams: Readonly<Record<string, string>>
  readonly authorizationParamsMap: Readonly<Record<string, string>>
  /** Who may pass. */
  readonly rules: Rules
  /** Whether memberships are read that no rule names, for the groups header of a preset. */
  readonly readsAllMemberships: boolean
  /**
   * Identifies the options that decide who may pass, other than `rules`. Part of the fingerprint of
   * the rules.
   */
  readonly rulesKey: string
  /**
   * Whether client ID and secret come from the environment: a client of the operator, which several
   * apps share.
   */
  readonly isManaged: boolean
  /**
   * Changes when a stored configuration has replaced the client or moved an endpoint, so that
   * sessions and logins of before do not reach the new one.
   */
  readonly epoch?: string | undefined
}

/** What the evaluation of a user needs to know of the provider. */
export type EvaluatedProvider = Pick<
  Provider,
  | 'name'
  | 'openid'
  | 'rules'
  | 'rulesKey'
  | 'readsAllMemberships'
  | 'trustEmail'
  | 'emailClaimDecides'
  | 'membershipLists'
  | 'membershipScopes'
  | 'impliedScopes'
  | 'canonicalScope'
  | 'identity'
  | 'restriction'
  | 'memberships'
>

/** Whether rules accept an email address that the provider has not verified. */
export function trustsEmail({
  trustEmail,
  emailClaimDecides,
}: Pick<Provider, 'trustEmail' | 'emailClaimDecides'>): boolean {
  return trustEmail && emailClaimDecides !== true
}

/** Reports rules of a guard, or report-only rules, that no user of any provider can meet. */
export function checkRulesCanBeMet(
  rules: Rules,
  providers: readonly Provider[],
  mistakes: Mistakes,
): void {
  for (const { set, index } of ruleSets(rules))
    checkSetCanBeMet(set, providers, mistakesOfSet(index, mistakes))
}

/** Where mistakes of a rule set are reported: without an index, it is next to `allOf`. */
export function mistakesOfSet(index: number | undefined, mistakes: Mistakes): Mistakes {
  return index === undefined ? mistakes : mistakes.at('allOf').item(index)
}

function checkSetCanBeMet(set: RuleSet, providers: readonly Provider[], mistakes: Mistakes): void {
  const emailList = emailLists.find((list) => set[list] !== undefined)
  const [unverified, ...more] = providers.filter(
    (provider) => provider.emailNeverVerified !== undefined && !trustsEmail(provider),
  )
  if (emailList && unverified && more.length === providers.length - 1)
    mistakes
      .at(emailList)
      .add(
        `cannot be met: ${unverified.emailNeverVerified}. Set trustEmail: true for ${unverified.name} only if you accept unverified addresses`,
      )
  const labels = providers.map(({ label }) => label).join(', ')
  for (const list of membershipLists) {
    const isSupported = providers.some((provider) => provider.membershipLists?.includes(list))
    if (set[list] !== undefined && !isSupported)
      mistakes.at(list).add(`cannot be met: ${labels} has no ${list}`)
  }
}
