import type { UserEvaluator } from '../access/evaluate-user.js'
import { evaluateGivenUser } from '../access/given-user.js'
import type { OAuthUser } from '../access/user.js'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { sendJson } from '../http/response.js'
import type { Claims } from '../oauth/identity.js'
import type { BlockedUsers } from '../session/blocked-users.js'
import { storedDecision } from './check-status.js'
import type { Connection, Connections } from './connection.js'
import type { NewSessions } from './new-sessions.js'
import { accountOf, type OnLogin } from './on-login.js'
import { denialOf, Rejection } from './rejection.js'
import { unlessBlocked } from './unless-blocked.js'

/** A user that a test signs in: see `signIn()` of `oauth-module/testing`. */
export interface TestUser {
  /** The ID at the provider. Default: the email address, or `test-user`. */
  id?: string | undefined
  /** The full name. */
  name?: string | undefined
  /** The email address. */
  email?: string | undefined
  /** Default: `true` if there is an email address. */
  emailVerified?: boolean | undefined
  /** The login at the provider. */
  username?: string | undefined
  /** URL of a picture. */
  picture?: string | undefined
  /** The name of the provider in the options. Default: the first one. */
  provider?: string | undefined
  /** The organizations of the user. The app sees those that a rule names. */
  organizations?: readonly string[] | undefined
  /** The teams of the user, as in `acme/admins`. */
  teams?: readonly string[] | undefined
  /** The groups of the user. */
  groups?: readonly string[] | undefined
  /** The claims of the provider. */
  claims?: Claims | undefined
  /** The scopes that the user has granted. Default: those that a login requests. */
  scopes?: readonly string[] | undefined
}

/** A login that a test has prepared, and what became of it. */
export interface TestTicket {
  readonly user: TestUser
  error?: OAuthError | undefined
  isUsed?: boolean
}

/** The logins of tests. Outlives a configuration. */
export interface TestLoginState {
  readonly tickets: Map<string, TestTicket>
  /** Keys of sessions that no provider can check. */
  readonly sessions: Set<string>
}

/** The property of the middleware through which `oauth-module/testing` prepares logins. */
export const TEST_LOGINS = Symbol.for('oauth-module.test-logins')

/** The value of {@link TEST_LOGINS}. */
export interface TestLoginAccess {
  readonly basePath: string
  readonly tickets: Map<string, TestTicket>
}

/** The header that carries a ticket. */
export const TICKET_HEADER = 'oauth-module-ticket'

/** Initial state for {@link TestLogins}. */
export function createTestLoginState(): TestLoginState {
  return { tickets: new Map(), sessions: new Set() }
}

/** What {@link TestLogins} depends on. */
export interface TestLoginsDeps {
  readonly state: TestLoginState
  readonly connections: Connections
  readonly evaluators: ReadonlyMap<string, UserEvaluator>
  readonly blockedUsers: BlockedUsers
  readonly newSessions: NewSessions
  readonly onLogin: OnLogin | undefined
}

/** Logs in the users of tests, without a provider. */
export class TestLogins {
  readonly #deps: TestLoginsDeps

  constructor(deps: TestLoginsDeps) {
    this.#deps = deps
  }

  /** The ticket of a request. Only code of this process can create one. */
  ticketOf({ headers }: GateRequest): TestTicket | undefined {
    const { tickets } = this.#deps.state
    if (tickets.size === 0) return undefined
    const id = String(headers[TICKET_HEADER])
    const ticket = tickets.get(id)
    tickets.delete(id)
    return ticket
  }

  /** Logs in the user of a ticket. Throws a {@link Rejection} if the rules deny the user. */
  async logIn(request: GateRequest, ticket: TestTicket): Promise<void> {
    ticket.isUsed = true
    try {
      const key = await this.#start(request, ticket.user)
      sendJson(request.res, 200, { user: key })
    } catch (error) {
      const cause = error instanceof Rejection ? error.error : error
      if (cause instanceof OAuthError) ticket.error = cause
      throw error
    }
  }

  async #start(request: GateRequest, given: TestUser): Promise<string> {
    const { connections, evaluators, blockedUsers, newSessions, onLogin, state } = this.#deps
    const [first = ''] = connections.keys()
    const name = given.provider ?? first
    const connection = connections.get(name)
    const evaluator = evaluators.get(name)
    if (connection === undefined || evaluator === undefined)
      throw new OAuthError('not_found', { message: 'There is no provider of this name.' })
    const retry = { returnPath: '/' }
    const evaluated = await evaluateGivenUser(evaluator, userOf(given, name), request.req)
    const { user, decision, decidedBy } = await unlessBlocked(evaluated, blockedUsers)
    if (!decision.isAllowed) throw denialOf(user, decision, name, retry)
    const evaluation = { ...evaluated, decision, decidedBy }
    const session = await newSessions.start(request, {
      ...{ connection, retry, user, redirectUri: '', replacedKey: undefined },
      grant: grantOf(given, connection, request.now),
      verdicts: { [evaluator.fingerprint]: storedDecision(request.now, evaluation) },
      account: await accountOf(onLogin, user, request.req),
    })
    state.sessions.add(session.key)
    return user.key
  }
}

function userOf(given: TestUser, provider: string): OAuthUser {
  const { id = given.email ?? 'test-user', name, email, username, picture } = given
  const { emailVerified = email !== undefined, claims = {} } = given
  const { organizations = [], teams = [], groups = [] } = given
  return {
    key: `${provider}:${id}`,
    ...{ id, name, email, emailVerified, username, picture, provider },
    ...{ organizations, teams, groups, claims },
  }
}

/** There are no tokens. */
function grantOf({ scopes }: TestUser, { provider }: Connection, authTime: number) {
  return {
    authTime,
    scopes: scopes ?? provider.requestedScopes,
    tokens: {
      accessToken: '',
      ...{ refreshToken: undefined, idToken: undefined, claims: undefined },
      ...{ scopes: undefined, expiresAt: undefined, response: {} },
    },
  }
}
