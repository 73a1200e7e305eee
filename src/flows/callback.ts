import { redirect } from '../http/response.js'
import type { GateRequest } from '../http/gate-request.js'
import { type OAuthErrorCode, OAuthError } from '../http/errors.js'
import type { ProviderClient, TokenSet } from '../oauth/client.js'
import type { SealedTransaction, ConsumedTransaction, Transactions } from '../oauth/transaction.js'
import type { Mount } from '../http/mounts.js'
import { type Provider } from '../access/provider.js'
import { MAX_SESSION_MS } from '../session/lifetimes.js'
import { writeSessionCookie } from '../session/session-cookie.js'
import type { OpenSession, Sessions } from '../session/sessions.js'
import { Rejection } from './rejection.js'
import {
  boundClaims,
  type UserEvaluation,
  type UserEvaluator,
  subjectOf,
} from '../access/evaluate-user.js'
import type { LoginLoopDetector } from './login-loop.js'
import type { Links, LoginRequest } from './links.js'
import type { Connection } from './login.js'
import { fetchGrantedScopes, withImplied } from '../access/granted-scopes.js'

export interface CallbackConfig {
  connections: ReadonlyMap<string, Connection>
  evaluators: ReadonlyMap<string, UserEvaluator>
  transactions: Transactions
  sessions: Sessions
  links: Links
  landings: LoginLoopDetector
  /** Milliseconds; 0 is no limit. */
  maximumDuration: number
  onIdentified(evaluation: UserEvaluation): void
}

export interface Callback {
  /** Takes a provider's answer: opens a session and sends the visitor on, or throws. */
  handle(
    request: GateRequest,
    callbackName: string,
    query: URLSearchParams,
    onLogin: (session: OpenSession, now: number) => Promise<void>,
  ): Promise<void>
}

/** After so many returns without our cookie the visitor is told why. */
const RETURNS_BEFORE_EXPLAINING = 2

export function createCallback({
  connections,
  evaluators,
  transactions,
  sessions,
  links,
  landings: loginLoop,
  maximumDuration,
  onIdentified,
}: CallbackConfig): Callback {
  const hasSession = async ({ req, mount, now }: GateRequest) => {
    const { session } = await sessions.find(
      req.headers.cookie,
      mount.sessionCookie.name,
      now,
      mount.instance,
    )
    return session
  }

  /** The transaction that this answer belongs to; `stale` when it is an old one of somebody who is logged in. */
  const take = async (request: GateRequest, callbackName: string, query: URLSearchParams) => {
    const { req, res, mount, now } = request
    const home: LoginRequest = { returnPath: links.safeReturn(mount, undefined) }
    for (const name of ['code', 'state', 'iss', 'error', 'error_description']) {
      if (query.getAll(name).length > 1)
        throw new Rejection(
          new OAuthError('invalid_callback', { hint: `the callback has ${name} twice` }),
          { retry: home },
        )
    }
    const read = transactions.read(query.get('state') ?? '', now)
    // Any other state, a session id for instance, is rejected even for users with a session.
    if ('problem' in read && read.problem === 'expired' && (await hasSession(request)))
      return 'stale'
    const sealed = 'transaction' in read ? read.transaction : undefined
    const connection = connections.get(sealed?.provider ?? '')
    if (sealed === undefined || connection === undefined)
      return refuse('login_expired', home, 'the state is not ours, or too old')
    const retry: LoginRequest = {
      returnPath: links.safeReturn(mount, sealed.returnPath),
      scopes: sealed.demandedScopes,
    }
    if (!fits(sealed, connection, mount, callbackName))
      return refuse(
        'invalid_callback',
        retry,
        'the callback belongs to another provider, client or instance',
      )
    const taken = transactions.consume(res, req.headers.cookie, mount.transactionCookie, sealed)
    if ('transaction' in taken) return { transaction: taken.transaction, connection, retry }
    if (await hasSession(request)) return 'stale'
    return taken.problem === 'used'
      ? refuse('login_expired', retry, 'the state was used already')
      : refuseWithoutCookie(sealed, retry)
  }

  const open = async (
    request: GateRequest,
    { transaction, connection, retry }: Taken,
    query: URLSearchParams,
  ) => {
    const { req, mount, now } = request
    const { provider, client } = connection
    const { issuer, isRequired } = await client.callbackIssuer()
    const iss = query.get('iss')
    if (issuer !== undefined && (iss === null ? isRequired : iss !== issuer)) {
      refuse('invalid_callback', retry, 'the callback names another issuer, or none (RFC 9207)')
    }
    if (query.has('error'))
      throw new Rejection(providerRefusal(provider, query), { retry, provider: provider.name })
    const code = query.get('code') ?? ''
    if (!/^[\x20-\x7e]+$/.test(code))
      refuse('invalid_callback', retry, 'the callback has no usable code')
    const tokens = await client.redeem({
      code,
      redirectUri: transaction.redirectUri,
      nonce: transaction.nonce,
      codeVerifier: transaction.codeVerifier,
      requestedScopes: transaction.scopes,
      authenticatedSince: transaction.reauthenticates ? transaction.startedAt : undefined,
    })
    if (transaction.needsAuthTime && authTimeOf(tokens, provider, now) === undefined) {
      throw new OAuthError('misconfigured', {
        hint: `${provider.name} does not say when the user logged in (auth_time): maxAge needs acceptSilentLogin: true`,
      })
    }
    const scopes = await grantedScopes(provider, client, tokens, transaction).catch(
      (error: unknown) => {
        throw error instanceof ScopesMissing
          ? new Rejection(error, { retry: { ...retry, ask: 'scopes' }, provider: provider.name })
          : error
      },
    )
    const source = client.api({
      accessToken: tokens.accessToken,
      claims: tokens.claims ?? {},
      scopes,
      subject: subjectOf(tokens.claims),
      hasFreshClaims: true,
      isLogin: true,
      tokens: tokens.response,
    })
    const evaluator = evaluators.get(provider.name)
    if (evaluator === undefined)
      throw new OAuthError('internal', { hint: 'a provider without rules' })
    const evaluation = await evaluator.evaluate(source, req)
    const { user, decision } = evaluation
    onIdentified(evaluation)
    if (!decision.isAllowed)
      throw new Rejection(new OAuthError(decision.code), {
        retry,
        provider: provider.name,
        user,
        tried: decision.tried,
      })
    const previous = await hasSession(request)
    const session = await sessions.create(
      {
        instance: mount.instance,
        provider: provider.name,
        issuer: provider.issuer ?? '',
        clientId: provider.clientId,
        user,
        subject: subjectOf(tokens.claims),
        boundClaims: boundClaims(tokens.claims),
        redirectUri: transaction.redirectUri,
        browser: {
          userAgent: req.headers['user-agent']?.slice(0, 512),
          ipAddress: req.ip ?? req.socket?.remoteAddress,
        },
        scopes,
        authTime: authTimeOf(tokens, provider, now),
        accessTokenExpiresAt: tokens.expiresAt,
        verdicts: {
          [evaluator.fingerprint]: { at: now, allowed: true, matched: decision.matched },
        },
      },
      {
        accessToken: tokens.accessToken,
        refreshToken: tokens.refreshToken,
        idToken: tokens.idToken,
      },
      now,
    )
    if (previous) await sessions.destroy(previous.key, 'logout')
    return session
  }

  return {
    async handle(request, callbackName, query, onLogin) {
      const { req, res, mount, now } = request
      const taken = await take(request, callbackName, query)
      if (taken === 'stale') return redirect(res, links.safeReturn(mount, undefined))
      const session = await open(request, taken, query).catch((error: unknown) => {
        throw error instanceof OAuthError
          ? new Rejection(error, { retry: taken.retry, provider: taken.connection.provider.name })
          : error
      })
      await onLogin(session, now)
      const lost = loginLoop.note(request, session)
      if (lost !== undefined) await sessions.destroy(lost, 'logout')
      const maxAge = maximumDuration === 0 ? MAX_SESSION_MS : maximumDuration
      writeSessionCookie(res, req.headers.cookie, mount.sessionCookie, session.id, maxAge)
      redirect(res, landing(taken))
    },
  }
}

class ScopesMissing extends OAuthError {
  constructor(missing: readonly string[]) {
    super('access_denied', {
      message: 'You did not grant everything that this application asks for.',
      hint: `not granted: ${missing.join(' ')}`,
    })
  }
}

interface Taken {
  transaction: ConsumedTransaction
  connection: Connection
  retry: LoginRequest
}

/** Where to go: a browser carries the fragment of the callback's address along, unless this one has its own. (RFC 9110, 10.2.2) */
function landing({ connection, retry: { returnPath } }: Taken): string {
  return connection.provider.hasCallbackFragment === true && !returnPath.includes('#')
    ? `${returnPath}#`
    : returnPath
}

function refuse(code: OAuthErrorCode, retry: LoginRequest, hint: string): never {
  throw new Rejection(new OAuthError(code, { hint }), { retry })
}

/** An answer counts only at the address, for the provider, client and instance that the login began with. */
function fits(
  sealed: SealedTransaction,
  { provider, callbackName }: Connection,
  mount: Mount,
  at: string,
): boolean {
  return (
    callbackName === at &&
    sealed.clientId === provider.clientId &&
    sealed.instance === mount.instance
  )
}

/** The browser kept no cookie: trying again helps against an old tab, not against a wrong setup. */
function refuseWithoutCookie(
  { attempts, redirectUri }: SealedTransaction,
  retry: LoginRequest,
): never {
  const again = { ...retry, attempts: attempts + 1 }
  if (attempts < RETURNS_BEFORE_EXPLAINING)
    return refuse('login_expired', again, 'the cookie of this login is missing')
  const { protocol, host } = new URL(redirectUri)
  throw new Rejection(
    new OAuthError('cookie_lost', {
      message:
        `Your browser did not send back the cookie that ties this login to it. Either it does not keep cookies for ${host}, ` +
        `or the login began on another host than ${host}${protocol === 'http:' ? ', or the cookie is marked Secure while the address is plain http' : ''}.`,
      hint: 'three returns without our cookie',
    }),
    { retry },
  )
}

const userSaidNo = new Set([
  'access_denied',
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
])

/** The error of an authorization response. (RFC 6749, 4.1.2.1) */
function providerRefusal(provider: Provider, query: URLSearchParams): OAuthError {
  const error = query.get('error') ?? ''
  const providerMessage =
    query
      .get('error_description')
      ?.replace(/[\u0000-\u001f\u007f\u2028-\u202f\u2066-\u2069]+/g, ' ')
      .trim() || undefined
  const hint = `${provider.name} answered with the error ${JSON.stringify(error.slice(0, 64))}`
  if (error === '') return new OAuthError('invalid_callback', { hint })
  if (userSaidNo.has(error) || provider.denialErrors?.includes(error))
    return new OAuthError('access_denied', { providerMessage, hint })
  if (error === 'temporarily_unavailable')
    return new OAuthError('provider_busy', { providerMessage, hint })
  const isOwners = [
    'unauthorized_client',
    'invalid_scope',
    'unauthorized_scope_error',
    'invalid_request',
    'unsupported_response_type',
    'invalid_client',
    'redirect_uri_mismatch',
  ].includes(error)
  return new OAuthError(isOwners ? 'misconfigured' : 'provider_error', { providerMessage, hint })
}

/** What was granted, with what it stands for. What the configuration demands must be there. */
async function grantedScopes(
  provider: Provider,
  client: ProviderClient,
  tokens: TokenSet,
  { scopes, demandedScopes }: ConsumedTransaction,
): Promise<readonly string[]> {
  const source = {
    accessToken: tokens.accessToken,
    claims: {},
    hasFreshClaims: false,
    isLogin: true,
    scopes: [],
    subject: undefined,
    tokens: tokens.response,
  }
  const said = tokens.scopes ?? (await fetchGrantedScopes(provider, client.api(source)))
  if (said === undefined) return scopes
  const granted = withImplied(provider, said)
  const missing = [...provider.requiredScopes, ...demandedScopes].filter(
    (scope) => !granted.includes(scope),
  )
  if (missing.length === 0) return granted
  throw new ScopesMissing(missing)
}

/** One of the future, as from a provider that counts in milliseconds, says nothing: it would stay fresh for ever. */
function authTimeOf(
  { claims }: TokenSet,
  { clockTolerance }: Provider,
  now: number,
): number | undefined {
  const said = claims?.['auth_time']
  return typeof said === 'number' && said * 1000 <= now + clockTolerance * 1000
    ? said * 1000
    : undefined
}
