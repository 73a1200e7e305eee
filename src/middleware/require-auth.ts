import type { IncomingMessage } from 'node:http'
import { OAuthError } from '../http/errors.js'
import { Rejection } from '../flows/rejection.js'
import { type Authorize, isAuthorized } from '../access/authorize.js'
import type { LoginRequest } from '../flows/links.js'
import type { Outcome } from './error-handler.js'
import { membershipLists, type Memberships } from '../oauth/identity.js'
import type { GatePass } from './gate-pass.js'
import { type Denial, Policy } from '../access/policy.js'
import { ruleFields, type Rules } from '../access/rules.js'
import { checkRulesCanBeMet, type Provider, trustsEmail } from '../access/provider.js'
import { scopesField } from '../providers/request-params.js'
import { type Field, Mistakes } from '../schema/field.js'
import { readFields } from '../schema/read-fields.js'
import { boolean, func, seconds } from '../schema/types.js'
import type { OpenSession } from '../session/sessions.js'

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
export interface GuardedMemberships {
  memberships(): Required<Memberships>
  /** Says whether there is anything new. */
  add(rules: Rules): boolean
}

export function createGuardedMemberships(): GuardedMemberships {
  const lists = {
    organizations: new Set<string>(),
    teams: new Set<string>(),
    groups: new Set<string>(),
  }
  return {
    memberships: () => ({
      organizations: [...lists.organizations],
      teams: [...lists.teams],
      groups: [...lists.groups],
    }),
    add(rules) {
      const fresh = membershipLists.flatMap((list) =>
        (rules[list] ?? [])
          .filter((entry) => !lists[list].has(entry))
          .map((entry) => ({ list, entry })),
      )
      for (const { list, entry } of fresh) lists[list].add(entry)
      return fresh.length > 0
    },
  }
}

/** What a guard needs of the gate that let the request through. */
export interface GuardedRequest extends GatePass {
  demandLogin(
    pass: Pick<LoginRequest, 'ask' | 'needsAuthTime' | 'scopes' | 'keptScopes'>,
  ): Promise<Outcome>
  fail(error: unknown): Promise<Outcome>
  provider(name: string): Provider | undefined
}

export interface Guard {
  (pass: GuardedRequest, req: IncomingMessage): Promise<Outcome>
}

const guardFields = {
  ...ruleFields,
  authorize: func<Authorize>(),
  scopes: scopesField,
  maxAge: seconds({ min: 1 }),
  acceptSilentLogin: boolean().default(false),
} satisfies Record<keyof GuardRules, Field>

/** `providers`: those of the configuration at hand, to refuse what they can never meet. */
export function createGuard(
  rules: GuardRules,
  providers: readonly Provider[],
  asked: GuardedMemberships,
): { guard: Guard; asksMore: boolean } {
  const mistakes = new Mistakes('requireAuth()')
  const {
    authorize,
    scopes = [],
    maxAge,
    acceptSilentLogin,
    ...lists
  } = readFields(guardFields, rules, mistakes)
  const policy = new Policy(lists)
  checkRulesCanBeMet(lists, providers, mistakes)
  const silent = providers.find(
    ({ forcesLogin, returnsAuthTime }) => forcesLogin !== true || returnsAuthTime !== true,
  )
  if (maxAge !== undefined && silent && !acceptSilentLogin)
    mistakes
      .at('maxAge')
      .add(
        `cannot be met: ${silent.label} cannot be made to ask for the password again, or does not tell when it did. Set acceptSilentLogin: true to count any login there`,
      )
  mistakes.throwIfAny()

  const evaluate = ({ record: { user } }: OpenSession, provider: Provider | undefined) => {
    return policy.evaluate(user, provider !== undefined && trustsEmail(provider))
  }
  /** Scopes without which the provider does not show what the lists ask about. */
  const unreadable = ({ record }: OpenSession, provider: Provider | undefined) => {
    const asks = membershipLists.some(
      (list) => lists[list] !== undefined && provider?.membershipLists?.includes(list),
    )
    // Where no scope at all was granted, scopes are not what decides: a GitHub App has permissions instead.
    return asks && record.scopes.length > 0
      ? (provider?.membershipScopes ?? []).filter((scope) => !record.scopes.includes(scope))
      : []
  }
  const refuse = (
    { record: { user } }: OpenSession,
    { fail }: GuardedRequest,
    code: Denial['code'],
  ) =>
    fail(
      new Rejection(new OAuthError(code), {
        user,
        tried: policy.lists,
        stage: 'guard',
      }),
    )

  const guard: Guard = async (pass, req) => {
    const { session, request, rejection, isExempt, demandLogin } = pass
    if (isExempt === true) return 'pass'
    if (rejection !== undefined)
      return pass.fail(
        new Rejection(rejection.error, {
          user: rejection.user,
          tried: rejection.tried,
          stage: 'guard',
        }),
      )
    if (session === undefined) return demandLogin({})
    const { record } = session
    const provider = pass.provider(record.provider)
    const stepUp = (missing: readonly string[]) =>
      demandLogin({ scopes: missing, keptScopes: record.scopes })
    const missing = scopes.filter((scope) => !record.scopes.includes(scope))
    if (missing.length > 0) return stepUp(missing)
    const authTime = record.authTime ?? (acceptSilentLogin ? record.createdAt : 0)
    // The clock of a silent login is ours.
    const tolerance = record.authTime === undefined ? 0 : (provider?.clockTolerance ?? 0) * 1000
    if (maxAge !== undefined && request.now - authTime > maxAge + tolerance)
      return demandLogin({ ask: 'login', needsAuthTime: !acceptSilentLogin })
    const decision = evaluate(session, provider)
    if (!decision.isAllowed) {
      const wanted = unreadable(session, provider)
      return wanted.length > 0 ? stepUp(wanted) : refuse(session, pass, decision.code)
    }
    if (authorize === undefined || (await isAuthorized(authorize, { ...record.user }, req)))
      return 'pass'
    return refuse(session, pass, 'not_authorized')
  }
  return { guard, asksMore: asked.add(lists) }
}
