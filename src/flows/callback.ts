import { changedHosts } from '../http/browser-host.js'
import { type OAuthErrorCode, OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { redirect } from '../http/response.js'
import type { DecryptedTransaction, Transactions } from '../oauth/transaction.js'
import type { Sessions } from '../session/sessions.js'
import { authorizationError } from './authorization-error.js'
import type { LoginCompletion } from './complete-login.js'
import type { Connection, Connections } from './connection.js'
import type { Links, LoginRequest } from './links.js'
import type { MatchedLogin } from './redeem-code.js'
import { Rejection, rejectLogin } from './rejection.js'

/** What {@link Callback} depends on. */
export interface CallbackDeps {
  readonly connections: Connections
  readonly transactions: Transactions
  readonly sessions: Sessions
  readonly links: Links
  readonly completion: LoginCompletion
}

/** `stale`: a repeated response, for a user who already has a session. */
type Match =
  { readonly outcome: 'matched'; readonly login: MatchedLogin } | { readonly outcome: 'stale' }

/** After this number of callbacks without the transaction cookie, the page explains the cause. */
const RETURNS_BEFORE_EXPLANATION = 2

/** Parameters of an authorization response, none of which may be repeated. (RFC 6749, 3.1) */
const RESPONSE_PARAMS = ['code', 'state', 'iss', 'error', 'error_description']

/** `code` is printable ASCII. (RFC 6749, A.11) */
const CODE = /^[\x20-\x7e]+$/

/**
 * Receives authorization responses: matches each to the transaction that {@link Login} started in
 * this browser, and passes its code to {@link LoginCompletion}. (RFC 6749, 4.1.2)
 */
export class Callback {
  readonly #deps: CallbackDeps

  constructor(deps: CallbackDeps) {
    this.#deps = deps
  }

  /** `/auth/callback` and `/auth/callback/NAME`. Throws a {@link Rejection} if the login failed. */
  async handle(request: GateRequest, callbackName: string, query: URLSearchParams): Promise<void> {
    const { links, completion } = this.#deps
    const match = await this.#match(request, callbackName, query)
    if (match.outcome === 'stale') return redirect(request.res, links.safeReturnPath(request.mount))
    const { login } = match
    const code = await readCode(login, query).catch((error: unknown) =>
      rejectLogin(error, login.retry, login.connection.provider.name),
    )
    await completion.complete(request, login, code)
  }

  /**
   * Finds and consumes the transaction of a response, so that each response is accepted once. (RFC
   * 6749, 10.12)
   */
  async #match(request: GateRequest, callbackName: string, query: URLSearchParams): Promise<Match> {
    const { headers, res, mount, now } = request
    const { connections, transactions, links } = this.#deps
    const startPage: LoginRequest = { returnPath: links.safeReturnPath(mount) }
    const repeated = RESPONSE_PARAMS.find((name) => query.getAll(name).length > 1)
    if (repeated !== undefined)
      reject('invalid_callback', startPage, `the callback repeats the parameter ${repeated}`)
    const read = transactions.read(query.get('state') ?? '', now)
    // Any other state, a session id for instance, is rejected even for users with a session.
    if (read.problem === 'expired' && (await this.#hasSession(request))) return { outcome: 'stale' }
    const decrypted = read.transaction
    const connection = connections.get(decrypted?.provider ?? '')
    if (decrypted === undefined || connection === undefined)
      return reject(
        'login_expired',
        startPage,
        'the state was not issued by this app, or has expired',
      )
    const retry: LoginRequest = {
      returnPath: links.safeReturnPath(mount, decrypted.returnPath),
      scopes: decrypted.demandedScopes,
    }
    if (!isForTransaction(decrypted, connection, mount.instanceId, callbackName))
      reject(
        'invalid_callback',
        retry,
        'the callback belongs to another provider, client or instance',
      )
    const consumed = transactions.consume(res, headers.cookie, mount.transactionCookie, decrypted)
    if (consumed.transaction !== undefined)
      return {
        outcome: 'matched',
        login: { transaction: consumed.transaction, connection, retry },
      }
    if (await this.#hasSession(request)) return { outcome: 'stale' }
    return consumed.problem === 'used'
      ? reject('login_expired', retry, 'the state was already used')
      : rejectWithoutCookie(request, decrypted, retry)
  }

  async #hasSession({ headers, mount, now }: GateRequest): Promise<boolean> {
    const { session } = await this.#deps.sessions.find(
      headers.cookie,
      mount.sessionCookie.name,
      now,
      mount.instanceId,
    )
    return session !== undefined
  }
}

/**
 * The code of an authorization response, after the checks against mix-up attacks. (RFC 9207, 2.4;
 * RFC 9700, 4.4.2)
 */
async function readCode(
  { transaction, connection: { provider, client }, retry }: MatchedLogin,
  query: URLSearchParams,
): Promise<string> {
  const { issuer, isRequired } = await client.callbackIssuer()
  const iss = query.get('iss')
  if (issuer !== undefined && (iss === null ? isRequired : iss !== issuer))
    reject('invalid_callback', retry, 'the iss of the callback is missing or unexpected (RFC 9207)')
  if (query.has('error'))
    throw new Rejection(authorizationError(provider, transaction, query), {
      retry,
      provider: provider.name,
    })
  const code = query.get('code') ?? ''
  return CODE.test(code)
    ? code
    : reject('invalid_callback', retry, 'the callback has no valid code')
}

/**
 * A response is valid only at the redirect URI, and for the client and the instance, of its
 * transaction.
 */
function isForTransaction(
  transaction: DecryptedTransaction,
  connection: Connection,
  instanceId: string,
  callbackName: string,
): boolean {
  return (
    connection.callbackName === callbackName &&
    transaction.clientId === connection.provider.clientId &&
    transaction.instance === instanceId
  )
}

function reject(code: OAuthErrorCode, retry: LoginRequest, hint: string): never {
  throw new Rejection(new OAuthError(code, { hint }), { retry })
}

/**
 * Trying again helps if the response came from an old tab, but not if the browser never stores the
 * cookie.
 */
function rejectWithoutCookie(
  { req }: GateRequest,
  { attempts, redirectUri, hosts = {} }: DecryptedTransaction,
  retry: LoginRequest,
): never {
  const changed = changedHosts(req, redirectUri, hosts)
  if (changed !== undefined) rejectOtherHost(...changed, retry)
  if (attempts < RETURNS_BEFORE_EXPLANATION)
    reject(
      'login_expired',
      { ...retry, attempts: attempts + 1 },
      `the transaction cookie of this login is missing: it started in another browser, or on a host other than ${new URL(redirectUri).host} that a proxy hides (pass Host on, or set baseUrl)`,
    )
  const { protocol, host } = new URL(redirectUri)
  const insecure =
    protocol === 'http:' ? ', or the cookie is marked Secure although the site uses plain http' : ''
  throw new Rejection(
    new OAuthError('cookie_lost', {
      message:
        'Your browser did not send back the cookie that belongs to this sign-in. Either it does not keep cookies for ' +
        `${host}, or the sign-in started on a host other than ${host}${insecure}.`,
      hint: 'three callbacks without the transaction cookie',
    }),
    { retry },
  )
}

/** The cookie is on the host that the browser showed at the start. A proxy that replaces `Host` hides it from us. */
function rejectOtherHost(started: string, returned: string, retry: LoginRequest): never {
  throw new Rejection(
    new OAuthError('cookie_lost', {
      message: `This sign-in started on ${started}, but its response came to ${returned}. Your browser does not send the cookie of one host to another.`,
      hint: `the login started on ${started}, and its response came to ${returned}: set baseUrl to the public URL, or have the proxy pass the Host header on (nginx: proxy_set_header Host $host)`,
    }),
    { retry },
  )
}
