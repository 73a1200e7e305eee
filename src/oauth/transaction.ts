import type { ServerResponse } from 'node:http'
import type { LRUCache } from 'lru-cache'
import type { LoginHosts } from '../http/browser-host.js'
import { clearCookie, readCookies, setCookie } from '../http/cookies.js'
import { createCache } from '../http/create-cache.js'
import { codeChallengeOf, deriveFrom, isId, isSameHash, randomId, sha256 } from '../http/ids.js'
import type { Encrypter } from '../http/encryption.js'
import { isObject } from '../http/json.js'
import type { TransactionCookie } from '../http/mounts.js'
import { isSafePath } from '../http/paths.js'
import type { SeenPlaces } from '../http/places.js'
import type { ResponseMode } from './endpoints.js'
import { clearOldest, cookieName } from './transaction-cookie.js'

/** A login in progress: what its callback must match. Sent encrypted, as `state`. */
export interface Transaction {
  readonly provider: string
  readonly clientId: string
  readonly instance: string
  readonly redirectUri: string
  readonly returnPath: string
  /** What `returnPath` stands in for. */
  readonly lost?: 'form' | 'page' | undefined
  readonly scopes: readonly string[]
  /** Those of `scopes` without which the login fails. */
  readonly demandedScopes: readonly string[]
  /** Start of the login, in milliseconds. */
  readonly startedAt: number
  /** Whether the provider must authenticate the user again. (`prompt=login` or `max_age=0`) */
  readonly reauthenticates: boolean
  /** Whether the login fails without `auth_time` in the ID token. */
  readonly needsAuthTime: boolean
  /** How many callbacks of this login have come without its cookie. */
  readonly attempts: number
  readonly hosts?: LoginHosts | undefined
  /** Default `'query'`. */
  readonly responseMode?: ResponseMode | undefined
  /** Key of the session that the login replaces, if its callback comes without the cookie. */
  readonly sessionKey?: string | undefined
  /** Where the session was used that the login replaces, because it moved. */
  readonly seen?: SeenPlaces | undefined
}

/**
 * Parameters of the authorization request. (RFC 6749, 4.1.1; RFC 7636, 4.3; OpenID Connect Core,
 * 3.1.2.1)
 */
export interface StartedTransaction {
  readonly state: string
  readonly nonce: string
  readonly codeChallenge: string
  readonly cookieName: string
}

/** A decrypted `state`. It may belong to another browser, or have been consumed. */
export interface DecryptedTransaction extends Transaction {
  readonly cookieHash: string
  readonly stateHash: string
}

/** A consumed transaction of this browser, with the values that the token request needs. */
export interface ConsumedTransaction extends DecryptedTransaction {
  readonly nonce: string
  readonly codeVerifier: string
}

/** A transaction, or why there is none. */
export type TransactionResult<T, Problem extends string> =
  | { readonly transaction: T; readonly problem?: undefined }
  | { readonly transaction?: undefined; readonly problem: Problem }

/** The transaction of a `state`. */
export type ReadTransaction = TransactionResult<DecryptedTransaction, 'unknown' | 'expired'>

/** Hashes of consumed states, which `reconfigure()` must not make valid again. */
export interface TransactionState {
  readonly used: LRUCache<string, true>
}

/** What a `state` must not exceed. */
export interface StateLimit {
  /** Where the login returns to instead. */
  readonly startPage: string
  /** In characters. Default: what fits a URL of 8 KB, which most servers accept. */
  readonly maxStateLength?: number | undefined
}

const MAX_STATE_LENGTH = 6500
/** How long a login may take. */
export const LIFETIME_MS = 600_000

/** Empty state for {@link Transactions}. */
export function createTransactionState(): TransactionState {
  return {
    used: createCache({ max: 10_000, ttl: LIFETIME_MS }),
  }
}

/**
 * Logins in progress. The server stores nothing for them: the transaction travels in `state`, and a
 * cookie with a random secret binds it to the browser. Nonce and PKCE code verifier are derived
 * from that secret.
 */
export class Transactions {
  readonly #encrypter: Encrypter
  readonly #state: TransactionState

  constructor(encrypter: Encrypter, state: TransactionState) {
    this.#encrypter = encrypter
    this.#state = state
  }

  /**
   * Sets the cookie of a new transaction and returns its parameters of the authorization request.
   * If `state` would be too long for a URL, the login returns to `startPage`.
   */
  start(
    res: ServerResponse,
    cookieHeader: string | undefined,
    cookie: TransactionCookie,
    transaction: Transaction,
    { startPage, maxStateLength = MAX_STATE_LENGTH }: StateLimit,
  ): StartedTransaction {
    const secret = randomId()
    const cookieHash = sha256(secret)
    clearOldest(res, cookieHeader, cookie)
    const name = cookieName(cookie, cookieHash)
    setCookie(res, name, secret, cookie.attributes, LIFETIME_MS / 1000)
    const encrypt = (content: Transaction) =>
      this.#encrypter.encrypt('state', JSON.stringify({ ...content, cookieHash }))
    const state = encrypt(transaction)
    return {
      state:
        state.length > maxStateLength && transaction.returnPath !== startPage
          ? encrypt({ ...transaction, returnPath: startPage, lost: transaction.lost ?? 'page' })
          : state,
      cookieName: name,
      nonce: deriveFrom(secret, 'nonce'),
      codeChallenge: codeChallengeOf(deriveFrom(secret, 'code_verifier')),
    }
  }

  /**
   * Decrypts a `state`. `'unknown'`: not encrypted with one of the secrets; `'expired'`: encrypted,
   * but too old.
   */
  read(state: string, now: number): ReadTransaction {
    const json = this.#encrypter.decrypt('state', state)
    if (json === undefined) return { problem: 'unknown' }
    const decrypted: unknown = JSON.parse(json)
    if (!isTransaction(decrypted) || !isSafePath(decrypted.returnPath))
      return { problem: 'unknown' }
    if (Math.abs(now - decrypted.startedAt) >= LIFETIME_MS) return { problem: 'expired' }
    return { transaction: { ...decrypted, stateHash: sha256(state) } }
  }

  /** Whether this process consumed the transaction before. */
  isUsed({ stateHash }: DecryptedTransaction): boolean {
    return this.#state.used.has(stateHash)
  }

  /**
   * Consumes a transaction. `'no_cookie'`: the browser did not send its cookie; `'used'`: it was
   * consumed before.
   */
  consume(
    res: ServerResponse,
    cookieHeader: string | undefined,
    cookie: TransactionCookie,
    decrypted: DecryptedTransaction,
  ): TransactionResult<ConsumedTransaction, 'no_cookie' | 'used'> {
    const name = cookieName(cookie, decrypted.cookieHash)
    const secret = readCookies(cookieHeader, name).find(
      (value) => isId(value) && isSameHash(sha256(value), decrypted.cookieHash),
    )
    if (secret === undefined) return { problem: 'no_cookie' }
    clearCookie(res, name, cookie.attributes)
    if (this.isUsed(decrypted)) return { problem: 'used' }
    this.#state.used.set(decrypted.stateHash, true)
    return {
      transaction: {
        ...decrypted,
        nonce: deriveFrom(secret, 'nonce'),
        codeVerifier: deriveFrom(secret, 'code_verifier'),
      },
    }
  }
}

/** The value was encrypted, so its other fields have their types. */
function isTransaction(value: unknown): value is Omit<DecryptedTransaction, 'stateHash'> {
  return (
    isObject(value) &&
    typeof value['cookieHash'] === 'string' &&
    typeof value['startedAt'] === 'number'
  )
}
