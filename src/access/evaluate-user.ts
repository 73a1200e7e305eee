import type { IncomingMessage } from 'node:http'
import { OAuthError, ProviderError } from '../http/errors.js'
import { withTimeout } from '../http/timeout.js'
import { parseIdentity, parseMemberships, runHook } from '../oauth/run-hook.js'
import { identityFromClaims } from '../oauth/claims.js'
import type { Claims, MembershipList, Memberships } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import { createPolicy, type Decision, fingerprintOf, type Policy, type Denial } from './policy.js'
import type { Rules } from './rules.js'
import { type Provider, trustsEmail } from './provider.js'
import type { OAuthUser } from './user.js'

/** A rule of one's own, on top of the lists: says whether the user may pass. */
export type Authorize = (user: OAuthUser, req: IncomingMessage) => boolean | Promise<boolean>

/** Who somebody is, and whether the rules let them pass. */
export interface UserEvaluation {
  readonly user: OAuthUser
  readonly decision: Decision
  /** Asks the rules on trial, beside everything else: who they would refuse, or nothing. Never rejects. */
  readonly evaluateReportOnly: () => Promise<Denial | undefined>
}

/** A provider's rules, ready to be asked. */
export interface UserEvaluator {
  /** Another one means that other rules are in force. */
  readonly fingerprint: string
  /** Reads the user from the provider and asks every rule. */
  evaluate(source: ProviderApi, req: IncomingMessage): Promise<UserEvaluation>
  /** What the lists say of a user as last read. */
  explain(user: OAuthUser): Decision
}

export interface UserEvaluatorConfig {
  provider: Provider
  authorize: Authorize | undefined
  rulesVersion: string | undefined
  /** A rule set tried beside the real one. */
  trial: (Rules & { authorize?: Authorize | undefined }) | undefined
  /** What guards of single routes ask about. */
  asked: Required<Memberships>
}

/** Milliseconds. */
export const AUTHORIZE_TIMEOUT_MS = 5_000

export function createUserEvaluator({
  provider,
  authorize,
  rulesVersion,
  trial,
  asked,
}: UserEvaluatorConfig): UserEvaluator {
  const policy = createPolicy(provider.rules)
  const trialPolicy = trial && createPolicy(trial)
  const known = provider.membershipLists ?? []
  const wanted = union([policy.wanted, asked], known)
  const wantedOnTrial = union([trialPolicy?.wanted], known)
  const counts = ({ email, emailVerified }: Pick<OAuthUser, 'email' | 'emailVerified'>) =>
    emailVerified || (trustsEmail(provider) && email !== undefined)

  const decide = async (
    rules: Policy,
    own: Authorize | undefined,
    user: OAuthUser,
    req: IncomingMessage,
  ): Promise<Decision> => {
    const decision = rules.evaluate({ email: user.email, emailVerified: counts(user) }, user)
    if (!decision.isAllowed || own === undefined || (await isAuthorized(own, user, req)))
      return decision
    return refused(rules)
  }

  /** Changes nothing: what it cannot find out it keeps to itself. */
  const evaluateReportOnly = async (
    user: OAuthUser,
    req: IncomingMessage,
    { scopes }: ProviderApi,
    readMemberships: () => Promise<Memberships>,
  ): Promise<Denial | undefined> => {
    if (trialPolicy === undefined) return undefined
    const asks = Object.values(wantedOnTrial).some((list) => list.length > 0)
    // Without the scope the provider would show no membership of anybody.
    if (
      asks &&
      (provider.membershipScopes ?? []).some(
        (scope) => scopes.length > 0 && !scopes.includes(scope),
      )
    )
      return undefined
    try {
      const tried = { ...user, ...(await readMemberships()) }
      const decision = await decide(trialPolicy, trial?.authorize, tried, req)
      return decision.isAllowed ? undefined : decision
    } catch {
      return undefined
    }
  }

  return {
    fingerprint: fingerprintOf([
      provider.rules,
      provider.rulesKey,
      authorize !== undefined,
      rulesVersion,
      wanted,
    ]),
    explain: (user) =>
      provider.restriction?.(user) === undefined
        ? policy.evaluate({ email: user.email, emailVerified: counts(user) }, user)
        : refused(policy),
    async evaluate(source, req) {
      const read =
        provider.identity ??
        (async ({ userinfo }: ProviderApi) => identityFromClaims(await userinfo()))
      const identity = parseIdentity(await runHook('identity', source, () => read(source)))
      const membershipsOf = async (asks: Required<Memberships>): Promise<Required<Memberships>> => {
        const isAsked = Object.values(asks).some((list) => list.length > 0)
        return parseMemberships(
          isAsked &&
            (await runHook('memberships', source, () =>
              provider.memberships?.(source, asks, identity),
            ).catch(unmet)),
          asks,
        )
      }
      const { organizations, teams, groups } = await membershipsOf(wanted)
      const user: OAuthUser = {
        key: `${provider.name}:${identity.id}`,
        id: identity.id,
        name: identity.name,
        email: identity.email,
        emailVerified: identity.emailVerified,
        username: identity.username,
        picture: identity.picture,
        provider: provider.name,
        organizations,
        teams,
        groups,
        claims: identity.claims,
      }
      const isRestricted =
        (await runHook('restriction', source, () => provider.restriction?.(identity))) !== undefined
      const decision = isRestricted ? refused(policy) : await decide(policy, authorize, user, req)
      return {
        user,
        decision,
        evaluateReportOnly: () =>
          evaluateReportOnly(user, req, source, () => membershipsOf(wantedOnTrial)),
      }
    },
  }
}

function union(
  sets: readonly (Memberships | undefined)[],
  known: readonly MembershipList[],
): Required<Memberships> {
  const all = (list: MembershipList) =>
    known.includes(list) ? [...new Set(sets.flatMap((set) => set?.[list] ?? []))].sort() : []
  return { organizations: all('organizations'), teams: all('teams'), groups: all('groups') }
}

/** The `sub` of an ID token. */
export function subjectOf(claims: Claims | undefined): string | undefined {
  return typeof claims?.['sub'] === 'string' ? claims['sub'] : undefined
}

/** What stays true of an ID token after it: who logged in, where, and which session at the provider that is. */
export function boundClaims(claims: Claims | undefined): Claims {
  const names = ['iss', 'sub', 'tid', 'oid', 'sid', 'auth_time', 'acr', 'amr']
  return Object.fromEntries(
    names.flatMap((name) => (claims?.[name] === undefined ? [] : [[name, claims[name]]])),
  )
}

function refused({ lists }: Policy): Decision {
  return { isAllowed: false, code: 'not_authorized', tried: lists }
}

/** An API that says no to the question has answered it: the rule is not met. One that is down has not. */
function unmet(error: unknown): undefined {
  if (error instanceof ProviderError && error.outcome === 'denied') return undefined
  throw error
}

/** Only `true` passes; whatever else happens refuses this request. */
export async function isAuthorized(
  authorize: Authorize,
  user: OAuthUser,
  req: IncomingMessage,
): Promise<boolean> {
  try {
    return (
      (await withTimeout<unknown>(AUTHORIZE_TIMEOUT_MS, 'authorize', () =>
        authorize(user, req),
      )) === true
    )
  } catch (cause) {
    throw new OAuthError('internal', { cause, hint: 'authorize failed' })
  }
}
