import type { IncomingMessage } from 'node:http'
import { OAuthError, ProviderFault } from '../errors.js'
import { identityFromClaims } from '../oauth/identity.js'
import type { IdentitySource } from '../oauth/provider.js'
import { createPolicy, type Decision, fingerprintOf, type Policy } from '../policy.js'
import type { Provider } from '../provider-options.js'
import type { OAuthUser } from '../user.js'

export type Authorize = (user: OAuthUser, req: IncomingMessage) => boolean | Promise<boolean>

/** Who somebody is, and whether the rules let them pass. */
export interface Identified {
  readonly user: OAuthUser
  readonly decision: Decision
}

/** A provider's rules, ready to be asked. */
export interface Identifier {
  /** Another one means that other rules are in force. */
  readonly fingerprint: string
  /** Reads the user from the provider and asks every rule. */
  identify(source: IdentitySource, req: IncomingMessage): Promise<Identified>
}

const AUTHORIZE_TIMEOUT = 5_000

export function createIdentifier(
  provider: Provider,
  authorize: Authorize | undefined,
  rulesVersion: string | undefined,
): Identifier {
  const policy = createPolicy(provider.rules)
  const asksMemberships = Object.values(policy.wanted).some((list) => list.length > 0)

  return {
    fingerprint: fingerprintOf([
      provider.rules,
      provider.trustEmail,
      provider.restrictionKey,
      authorize !== undefined,
      rulesVersion,
    ]),
    async identify(source, req) {
      const read = provider.identity ?? (async ({ userinfo }: IdentitySource) => identityFromClaims(await userinfo()))
      const identity = await read(source)
      const memberships = asksMemberships && provider.memberships ? await provider.memberships(source, policy.wanted, identity).catch(unmet) : {}
      const emailVerified = identity.emailVerified || (provider.trustEmail && provider.emailClaimDecides !== true && identity.email !== undefined)
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
      if (provider.restriction?.(identity) !== undefined) return { user, decision: refused(policy) }
      const decision = policy.evaluate({ email: identity.email, emailVerified }, memberships)
      if (!decision.isAllowed || authorize === undefined) return { user, decision }
      return { user, decision: (await isAuthorized(authorize, user, req)) ? decision : refused(policy) }
    },
  }
}

function refused({ lists }: Policy): Decision {
  return { isAllowed: false, code: 'not_authorized', tried: lists }
}

/** An API that says no to the question has answered it: the rule is not met. One that is down has not. */
function unmet(error: unknown): Record<string, never> {
  if (error instanceof ProviderFault && error.outcome === 'denied') return {}
  throw error
}

/** Only `true` passes; whatever else happens refuses this request. */
async function isAuthorized(authorize: Authorize, user: OAuthUser, req: IncomingMessage): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('authorize did not answer within 5 seconds')), AUTHORIZE_TIMEOUT)
  })
  try {
    return (await Promise.race([authorize(user, req), tooLate])) === true
  } catch (cause) {
    throw new OAuthError('internal', { cause, hint: 'authorize failed' })
  } finally {
    clearTimeout(timer)
  }
}
