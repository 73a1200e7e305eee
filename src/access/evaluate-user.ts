import type { IncomingMessage } from 'node:http'
import type { Background } from '../http/background.js'
import { identityFromClaims } from '../oauth/claims.js'
import { type Identity, type MembershipResult, type Memberships } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import { parseIdentity, parseMemberships, runHook } from '../oauth/run-hook.js'
import { type Authorize, isAuthorized } from './authorize.js'
import { missingScopes } from './granted-scopes.js'
import { contains, failureOf, isProven, type Missing, noneIfDenied } from './incomplete-user.js'
import { concernsLists, denyForLoss, lossSince } from './lost-claims.js'
import type { LastReading, LossSinceLogin } from './lost-claims.js'
import { type Decision, type Denial, fingerprintOf, Policy } from './policy.js'
import { type EvaluatedProvider, trustsEmail } from './provider.js'
import { hasEntries, mayLack, reportOnlyRules, type RuleSet, union } from './rule-set.js'
import type { Rules } from './rules.js'
import { type OAuthUser, userOf } from './user.js'

/** A user as the provider describes them now, and whether the rules allow them. */
export interface UserEvaluation extends LossSinceLogin {
  readonly user: OAuthUser
  readonly decision: Decision
  /**
   * Whether something could not be read. The rules are met without it, but those of a guard may not
   * be.
   */
  readonly isIncomplete: boolean
  /** Whether the rules deny the user, and could allow them without the loss. */
  readonly isInconclusive: boolean
  /** The `authorize` function that decided: see `authorizeId()`. */
  readonly decidedBy?: string | undefined
}

/** What {@link UserEvaluator} depends on. */
export interface UserEvaluatorDeps {
  readonly provider: EvaluatedProvider
  readonly authorize: Authorize | undefined
  /** Identifies `authorize` in stored decisions. */
  readonly authorizeId: string | undefined
  readonly rulesVersion: string | undefined
  /** Rules that only report the users they would deny. */
  readonly reportOnly: (Rules & { readonly authorize?: Authorize | undefined }) | undefined
  /** The memberships that guards of single routes (`requireAuth`) name. */
  readonly guardMemberships: Required<Memberships>
  readonly background: Background
  readonly onReportOnlyDenial: (user: OAuthUser, denial: Denial, req: IncomingMessage) => void
}

type Evaluated = Pick<UserEvaluation, 'decision' | 'decidedBy'>

/** Reads users of one provider and evaluates the rules for them. */
export class UserEvaluator {
  /**
   * Identifies the rules in stored decisions. A different one means that the rules have changed.
   */
  readonly fingerprint: string
  readonly authorize: Authorize | undefined
  /** Identifies `authorize` in stored decisions. */
  readonly authorizeId: string | undefined
  /** The memberships that a rule or a guard names. */
  readonly memberships: RuleSet['memberships']
  readonly #deps: UserEvaluatorDeps
  readonly #rules: RuleSet
  readonly #reportOnly: RuleSet | undefined

  constructor(deps: UserEvaluatorDeps) {
    const { provider, authorize, rulesVersion, reportOnly, guardMemberships } = deps
    const { rules, rulesKey, membershipLists, readsAllMemberships } = provider
    this.#deps = deps
    const policy = new Policy(rules)
    const named = [policy.memberships, guardMemberships]
    const memberships = union(named, membershipLists, readsAllMemberships)
    this.#rules = { policy, authorize, memberships }
    this.memberships = memberships
    this.#reportOnly = reportOnly && reportOnlyRules(reportOnly, membershipLists)
    this.fingerprint = fingerprintOf([rules, rulesKey, rulesVersion, memberships])
    this.authorize = authorize
    this.authorizeId = deps.authorizeId
  }

  /**
   * Reads the user from the provider and evaluates every rule. `last` is what an earlier check, or
   * the login, read. Throws an `OAuthError` if either fails.
   */
  async evaluate(
    api: ProviderApi,
    req: IncomingMessage,
    last?: LastReading,
  ): Promise<UserEvaluation> {
    const { provider } = this.#deps
    const { policy } = this.#rules
    const identity = parseIdentity(
      await runHook('identity', api, async () =>
        provider.identity ? provider.identity(api) : identityFromClaims(await api.userinfo()),
      ),
    )
    const restriction = await runHook('restriction', api, () => provider.restriction?.(identity))
    const memberships = await this.#readMemberships(api, identity, this.#rules)
    const user = userOf(provider.name, identity, memberships)
    const missing: Missing = { identity: identity.incomplete, memberships: memberships.incomplete }
    const { loss, lost } = lossSince(provider.openid ? last : undefined, user)
    const { decision, decidedBy }: Evaluated =
      restriction === undefined
        ? await this.#decide(this.#rules, user, missing, req).catch(denyForLoss(loss, policy))
        : { decision: policy.deny() }
    const lists = policy.evaluate(user, trustsEmail(provider))
    // A custom rule may need any claim: the check that first lacks it notices.
    const isLossy = lists.isAllowed ? loss.parts.length > 0 : concernsLists(lost, lists.tried)
    const isInconclusive = !decision.isAllowed && isLossy
    if (!decision.isAllowed && !isInconclusive && decision.hint !== undefined)
      api.warn(decision.hint)
    const isIncomplete = failureOf(missing) !== undefined
    return { user, decision, decidedBy, isIncomplete, loss, lost, isInconclusive }
  }

  /**
   * Evaluates the report-only rules in the background. Only a denial has an effect:
   * `onReportOnlyDenial` is called.
   */
  evaluateReportOnly({ user, lost }: UserEvaluation, api: ProviderApi, req: IncomingMessage): void {
    const rules = this.#reportOnly
    if (rules !== undefined && !mayLack(rules, lost))
      this.#deps.background.run(this.#report(rules, user, api, req))
  }

  /** The decision of the rule lists, without `authorize`, on a user as last read. */
  explain(user: OAuthUser): Decision {
    const { provider } = this.#deps
    const { policy } = this.#rules
    return provider.restriction?.(user) === undefined
      ? policy.evaluate(user, trustsEmail(provider))
      : policy.deny()
  }

  /** Throws why the user was read incompletely, unless the lists are met by what was read. */
  async #decide(
    { policy, authorize }: RuleSet,
    user: OAuthUser,
    missing: Missing,
    req: IncomingMessage,
  ): Promise<Evaluated> {
    const decision = policy.evaluate(user, trustsEmail(this.#deps.provider))
    const failure = failureOf(missing)
    if (failure !== undefined && !isProven(decision, authorize, missing)) throw failure
    if (!decision.isAllowed || authorize === undefined) return { decision }
    const isAllowed = await isAuthorized(authorize, user, req)
    return { decision: isAllowed ? decision : policy.deny(), decidedBy: this.authorizeId }
  }

  async #readMemberships(
    api: ProviderApi,
    identity: Identity,
    { policy, authorize, memberships: wanted }: RuleSet,
  ): Promise<Required<Memberships> & MembershipResult> {
    const { provider, guardMemberships } = this.#deps
    const isEnough = (found: Memberships) =>
      authorize === undefined &&
      wanted.all !== true &&
      policy.evaluate({ ...identity, email: identity.email, ...found }, trustsEmail(provider))
        .isAllowed &&
      contains(found, union([guardMemberships], provider.membershipLists))
    const memberships =
      hasEntries(wanted) &&
      (await runHook('memberships', api, () =>
        provider.memberships?.(api, wanted, identity, isEnough),
      ).catch((error: unknown) => noneIfDenied(error, api)))
    return parseMemberships(memberships, wanted)
  }

  async #report(
    rules: RuleSet,
    user: OAuthUser,
    api: ProviderApi,
    req: IncomingMessage,
  ): Promise<void> {
    const { provider, onReportOnlyDenial } = this.#deps
    const { membershipScopes = [] } = provider
    const isScopeMissing =
      api.scopes.length > 0 && missingScopes(provider, api.scopes, membershipScopes).length > 0
    // Without the scope, the provider would show no memberships, and every user would be reported.
    if (hasEntries(rules.memberships) && isScopeMissing) return
    let decision: Decision
    try {
      const { incomplete, ...memberships } = await this.#readMemberships(api, user, rules)
      const missing = { identity: undefined, memberships: incomplete }
      ;({ decision } = await this.#decide(rules, { ...user, ...memberships }, missing, req))
    } catch {
      // Report-only rules fail silently: they must not turn errors of the provider or of
      // `authorize` into denials.
      return
    }
    if (!decision.isAllowed) onReportOnlyDenial(user, decision, req)
  }
}
