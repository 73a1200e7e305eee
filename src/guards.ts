import type { IncomingMessage, ServerResponse } from 'node:http'
import { OAuthError } from './errors.js'
import { FailedLogin } from './flows/callback.js'
import { type Authorize, isAuthorized } from './flows/identify.js'
import type { Outcome, Passed } from './gate.js'
import type { Memberships } from './oauth/provider.js'
import { createPolicy, type Rules } from './policy.js'
import { checkScope, type Provider, readRules } from './provider-options.js'
import { readOptions } from './read.js'
import type { LiveSession } from './session/sessions.js'

/** What `requireAuth()` demands of a route's visitors; all lists together are alternatives, the rest applies on top. */
export interface GuardRules {
  emailAddresses?: readonly string[] | undefined
  emailDomains?: readonly string[] | undefined
  organizations?: readonly string[] | undefined
  teams?: readonly string[] | undefined
  groups?: readonly string[] | undefined
  /** A rule of one's own: 5 seconds at most; throwing refuses the request. */
  authorize?: Authorize | undefined
  /** Scopes that the user must have granted; they are asked for when missing. */
  scopes?: readonly string[] | undefined
  /** Seconds since the user last logged in at the provider. */
  maxAge?: number | undefined
  /** With `maxAge`: accept providers that cannot be told to ask for the password again. */
  acceptSilentLogin?: boolean | undefined
}

/** What guards ask about, collected: the gate reads these memberships for them. */
export interface Asked {
  memberships(): Required<Memberships>
  add(rules: Rules): void
}

export function createAsked(): Asked {
  const lists = { organizations: new Set<string>(), teams: new Set<string>(), groups: new Set<string>() }
  return {
    memberships: () => ({ organizations: [...lists.organizations], teams: [...lists.teams], groups: [...lists.groups] }),
    add(rules) {
      for (const list of ['organizations', 'teams', 'groups'] as const) for (const entry of rules[list] ?? []) lists[list].add(entry)
    },
  }
}

/** What a guard needs of the gate that let the request through. */
export interface GuardedRequest extends Passed {
  demandLogin(request: { ask?: 'login' | undefined; scopes?: readonly string[] | undefined }): Promise<Outcome>
  fail(error: unknown): Promise<Outcome>
  trusts(provider: string): boolean
}

export interface Guard {
  (request: GuardedRequest, req: IncomingMessage, res: ServerResponse): Promise<Outcome>
}

const known = ['emailAddresses', 'emailDomains', 'organizations', 'teams', 'groups', 'authorize', 'scopes', 'maxAge', 'acceptSilentLogin']

/** `providers`: those of the configuration at hand, to refuse what they can never meet. */
export function createGuard(rules: GuardRules, providers: readonly Provider[], asked: Asked): Guard {
  const read = readOptions(rules, 'requireAuth()')
  read.only(known)
  const lists = readRules(read)
  const policy = createPolicy(lists)
  const authorize = read.function('authorize') as Authorize | undefined
  const scopes = read.list('scopes', checkScope) ?? []
  const maxAge = read.has('maxAge') ? read.seconds('maxAge', 0) * 1000 : undefined
  const acceptsSilentLogin = read.boolean('acceptSilentLogin', false)
  const silent = providers.find(({ forcesLogin }) => forcesLogin !== true)
  if (maxAge !== undefined && silent && !acceptsSilentLogin) {
    read.fail('maxAge', `cannot be met: ${silent.label} cannot be told to ask for the password again. Set acceptSilentLogin: true to count its silent logins`)
  }
  const hasEmailRule = lists.emailAddresses !== undefined || lists.emailDomains !== undefined
  const unverified = providers.find(({ emailNeverVerified, trustEmail }) => emailNeverVerified !== undefined && !trustEmail)
  if (hasEmailRule && unverified && providers.length === 1) {
    read.fail(lists.emailAddresses ? 'emailAddresses' : 'emailDomains', `cannot be met: ${unverified.emailNeverVerified}. Set trustEmail: true for ${unverified.name} only if you accept unverified addresses`)
  }
  asked.add(lists)

  const isAllowed = async ({ session }: LiveSession, trusts: boolean, req: IncomingMessage) => {
    const { user } = session
    const decision = policy.evaluate({ email: user.email, emailVerified: user.emailVerified || trusts }, user)
    if (!decision.isAllowed) return decision
    return authorize === undefined || (await isAuthorized(authorize, { ...user }, req)) ? undefined : ({ code: 'not_authorized', tried: policy.lists } as const)
  }

  return async (request, req) => {
    const { live, visit } = request
    if (live === undefined) return request.demandLogin({})
    const { session } = live
    const missing = scopes.filter((scope) => !session.scopes.includes(scope))
    if (missing.length > 0) return request.demandLogin({ scopes: [...session.scopes, ...missing] })
    const authenticatedAt = session.authTime ?? session.createdAt
    if (maxAge !== undefined && visit.now - authenticatedAt > maxAge) return request.demandLogin({ ask: 'login' })
    const refused = await isAllowed(live, request.trusts(session.provider), req)
    if (refused === undefined) return 'pass'
    return request.fail(new FailedLogin(new OAuthError(refused.code), { user: session.user, tried: refused.tried, isSession: true, isGuard: true }))
  }
}
