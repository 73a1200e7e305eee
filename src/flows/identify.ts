import type { IncomingMessage } from 'node:http'
import { OAuthError, ProviderFault } from '../errors.js'
import { within } from '../http/deadline.js'
import { identityFromClaims } from '../oauth/identity.js'
import type { Claims, IdentitySource, MembershipList, Memberships } from '../oauth/provider.js'
import { createPolicy, type Decision, fingerprintOf, type Policy, type Rules } from '../policy.js'
import type { Provider } from '../provider-options.js'
import type { OAuthUser } from '../user.js'

/** A rule of one's own, on top of the lists: says whether the user may pass. */
export type Authorize = (user: OAuthUser, req: IncomingMessage) => boolean | Promise<boolean>

/** Who somebody is, and whether the rules let them pass. */
export interface Identified {
  readonly user: OAuthUser
  readonly decision: Decision
  /** What the rules on trial say; `undefined` when there are none. */
  readonly trial: Decision | undefined
}

/** A provider's rules, ready to be asked. */
export interface Identifier {
  /** Another one means that other rules are in force. */
  readonly fingerprint: string
  /** Reads the user from the provider and asks every rule. */
  identify(source: IdentitySource, req: IncomingMessage): Promise<Identified>
  /** What the lists say of a user as last read. */
  explain(user: OAuthUser): Decision
}

export interface IdentifierConfig {
  provider: Provider
  authorize: Authorize | undefined
  rulesVersion: string | undefined
  /** A rule set tried beside the real one. */
  trial: (Rules & { authorize?: Authorize | undefined }) | undefined
  /** What guards of single routes ask about. */
  asked: Required<Memberships>
}

/** Milliseconds. */
export const AUTHORIZE_TIMEOUT = 5_000

export function createIdentifier({ provider, authorize, rulesVersion, trial, asked }: IdentifierConfig): Identifier {
  const policy = createPolicy(provider.rules)
  const trialPolicy = trial && createPolicy(trial)
  const wanted = union([policy.wanted, trialPolicy?.wanted, asked], provider.membershipLists ?? [])
  const asksMemberships = Object.values(wanted).some((list) => list.length > 0)
  const counts = ({ email, emailVerified }: Pick<OAuthUser, 'email' | 'emailVerified'>) =>
    emailVerified || (trustsEmail(provider) && email !== undefined)

  const decide = async (rules: Policy, own: Authorize | undefined, user: OAuthUser, req: IncomingMessage): Promise<Decision> => {
    const decision = rules.evaluate({ email: user.email, emailVerified: counts(user) }, user)
    if (!decision.isAllowed || own === undefined || (await isAuthorized(own, user, req))) return decision
    return refused(rules)
  }

  return {
    fingerprint: fingerprintOf([provider.rules, provider.trustEmail, provider.restrictionKey, authorize !== undefined, rulesVersion, wanted]),
    explain: (user) => (provider.restriction?.(user) === undefined ? policy.evaluate({ email: user.email, emailVerified: counts(user) }, user) : refused(policy)),
    async identify(source, req) {
      const read = provider.identity ?? (async ({ userinfo }: IdentitySource) => identityFromClaims(await userinfo()))
      const identity = await read(source)
      const memberships = asksMemberships && provider.memberships ? await provider.memberships(source, wanted, identity).catch(unmet) : {}
      const { organizations = [], teams = [], groups = [] } = memberships
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
      const isRestricted = provider.restriction?.(identity) !== undefined
      const decision = isRestricted ? refused(policy) : await decide(policy, authorize, user, req)
      const tried = trialPolicy && (await decide(trialPolicy, trial?.authorize, user, req).catch(() => refused(trialPolicy)))
      return { user, decision, trial: tried }
    },
  }
}

function union(sets: readonly (Memberships | undefined)[], known: readonly MembershipList[]): Required<Memberships> {
  const all = (list: MembershipList) => (known.includes(list) ? [...new Set(sets.flatMap((set) => set?.[list] ?? []))].sort() : [])
  return { organizations: all('organizations'), teams: all('teams'), groups: all('groups') }
}

/** The `sub` of an ID token. */
export function subjectOf(claims: Claims | undefined): string | undefined {
  return typeof claims?.['sub'] === 'string' ? claims['sub'] : undefined
}

/** What stays true of an ID token after it: who logged in, where, and which session at the provider that is. */
export function boundClaims(claims: Claims | undefined): Claims {
  const names = ['iss', 'sub', 'tid', 'oid', 'sid', 'auth_time', 'acr', 'amr']
  return Object.fromEntries(names.flatMap((name) => (claims?.[name] === undefined ? [] : [[name, claims[name]]])))
}

function refused({ lists }: Policy): Decision {
  return { isAllowed: false, code: 'not_authorized', tried: lists }
}

/** An API that says no to the question has answered it: the rule is not met. One that is down has not. */
function unmet(error: unknown): Record<string, never> {
  if (error instanceof ProviderFault && error.outcome === 'denied') return {}
  throw error
}

/** Whether an e-mail counts though the provider does not vouch for it. */
export function trustsEmail({ trustEmail, emailClaimDecides }: Provider): boolean {
  return trustEmail && emailClaimDecides !== true
}

/** Only `true` passes; whatever else happens refuses this request. */
export async function isAuthorized(authorize: Authorize, user: OAuthUser, req: IncomingMessage): Promise<boolean> {
  try {
    return (await within<unknown>(AUTHORIZE_TIMEOUT, 'authorize', () => authorize(user, req))) === true
  } catch (cause) {
    throw new OAuthError('internal', { cause, hint: 'authorize failed' })
  }
}
