import type { GateRequest } from '../http/gate-request.js'
import type { SpecialPaths } from '../http/special-paths.js'
import type { DecryptedTransaction, ReadTransaction } from '../oauth/transaction.js'
import { hasTransactionCookie } from '../oauth/transaction-cookie.js'
import type { Connection, Connections } from './connection.js'
import type { Links, LoginRequest } from './links.js'
import { reject, rejectForOwner } from './rejection.js'

/**
 * What an authorization response belongs to. It may come from another browser, or for a second
 * time.
 */
export interface KnownResponse {
  readonly decrypted: DecryptedTransaction
  readonly connection: Connection
  /** The login that "try again" starts. */
  readonly retry: LoginRequest
}

interface KnownResponseDeps {
  readonly connections: Connections
  readonly links: Links
  readonly specialPaths: SpecialPaths
}

/**
 * Checks that a response came to the redirect URI of its transaction, which is for a provider, a
 * client and an instance of this configuration.
 */
export function knownResponse(
  request: GateRequest,
  { transaction: decrypted, problem }: ReadTransaction,
  { connections, links, specialPaths }: KnownResponseDeps,
): KnownResponse {
  const { mount, target } = request
  const connection = connections.get(decrypted?.provider ?? '')
  if (decrypted === undefined || connection === undefined)
    return rejectState(request, problem, { returnPath: links.safeReturnPath(mount) })
  const retry: LoginRequest = {
    returnPath: links.safeReturnPath(mount, decrypted.returnPath),
    lost: decrypted.lost,
    scopes: decrypted.demandedScopes,
  }
  const isOurs =
    specialPaths.callbackProvider(target.path) === decrypted.provider &&
    decrypted.clientId === connection.loginClient &&
    decrypted.instance === mount.instanceId
  return isOurs
    ? { decrypted, connection, retry }
    : rejectForOwner('invalid_callback', retry, OTHER)
}

const OTHER =
  'the callback belongs to another provider, client or instance: set the same id, provider names and clientId in all processes, and register each redirect URI at its own provider'
const UNKNOWN_SECRET =
  'the state cannot be decrypted, although this browser has started a login: set the same secret in all processes (without the option secret, each start of a process creates another one)'

/** A state that cannot be decrypted, has expired, or names an unknown provider. */
function rejectState(
  { cookieHeader, mount }: GateRequest,
  problem: ReadTransaction['problem'],
  retry: LoginRequest,
): never {
  if (problem === 'expired')
    reject(
      'login_expired',
      retry,
      'the state has expired: the login started more than 10 minutes ago. If this happens at once, synchronize the clocks of all processes',
    )
  if (problem === 'unknown' && hasTransactionCookie(cookieHeader, mount.transactionCookie))
    rejectForOwner('login_expired', retry, UNKNOWN_SECRET)
  reject(
    'login_expired',
    retry,
    'the state was not issued by this app, or its provider is no longer configured',
  )
}
