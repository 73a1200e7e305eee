import { timingSafeEqual } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { LRUCache } from 'lru-cache'
import type { LoginHosts } from '../http/browser-host.js'
import { clearCookie, readCookies, readCookiesByPrefix, setCookie } from '../http/cookies.js'
import { deriveFrom, isId, randomId, sha256 } from '../http/ids.js'
import type { Encrypter } from '../http/encryption.js'
import { isObject } from '../http/json.js'
import type { TransactionCookie } from '../http/mounts.js'
import { isSafePath } from '../http/paths.js'

/** A login in progress: what its callback must match. Sent encrypted, as `state`. */
export interface Transaction {
  readonly provider: string
  readonly clientId: string
  readonly instance: string
  readonly redirectUri: string
  readonly returnPath: string
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
}

/**
 * Parameters of the authorization request. (RFC 6749, 4.1.1; RFC 7636, 4.3; OpenID Connect Core,
 * 3.1.2.1)
 */
export interface StartedTransaction {
  readonly state: string
  readonly nonce: string
  readonly codeChallenge: string
}

/** A decrypted `state`. It may belong to another browser, or have been consumed. */
export interface DecryptedTransaction extends Transaction {
  readonly cookieHash: string
  readonly stateHash: string
}

/** A consumed transaction of this browser, with the values that the token request needs. */
export interface ConsumedTransaction extends Transaction {
  readonly nonce: string
  readonly codeVerifier: string
}

/** A transaction, or why there is none. */
export type TransactionResult<T, Problem extends string> =
  | { readonly transaction: T; readonly problem?: undefined }
  | { readonly transaction?: undefined; readonly problem: Problem }

/** Hashes of consumed states, which `reconfigure()` must not make valid again. */
export interface TransactionState {
  readonly used: LRUCache<string, true>
}

const LIFETIME_MS = 600_000
const MAX_COOKIES = 8
const MAX_COOKIE_BYTES = 4096
/**
 * Other sites on the domain can set cookies with this name; proxies limit the size of response
 * headers.
 */
const MAX_CLEARED_COOKIES = 16

/** Empty state for {@link Transactions}. */
export function createTransactionState(): TransactionState {
  return {
    used: new LRUCache({ max: 10_000, ttl: LIFETIME_MS, perf: Date, ttlResolution: 0 }),
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
   */
  start(
    res: ServerResponse,
    cookieHeader: string | undefined,
    cookie: TransactionCookie,
    transaction: Transaction,
  ): StartedTransaction {
    const secret = randomId()
    const cookieHash = sha256(secret)
    clearOldest(res, cookieHeader, cookie)
    setCookie(res, cookieName(cookie, cookieHash), secret, cookie.attributes, LIFETIME_MS / 1000)
    return {
      state: this.#encrypter.encrypt('state', JSON.stringify({ ...transaction, cookieHash })),
      nonce: deriveFrom(secret, 'nonce'),
      codeChallenge: Buffer.from(sha256(deriveFrom(secret, 'code_verifier')), 'hex').toString(
        'base64url',
      ),
    }
  }

  /**
   * Decrypts a `state`. `'unknown'`: not encrypted with one of the secrets; `'expired'`: encrypted,
   * but too old.
   */
  read(state: string, now: number): TransactionResult<DecryptedTransaction, 'unknown' | 'expired'> {
    const json = this.#encrypter.decrypt('state', state)
    if (json === undefined) return { problem: 'unknown' }
    const decrypted: unknown = JSON.parse(json)
    if (!isTransaction(decrypted) || !isSafePath(decrypted.returnPath))
      return { problem: 'unknown' }
    if (Math.abs(now - decrypted.startedAt) >= LIFETIME_MS) return { problem: 'expired' }
    return { transaction: { ...decrypted, stateHash: sha256(state) } }
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
      (value) => isId(value) && isSame(sha256(value), decrypted.cookieHash),
    )
    if (secret === undefined) return { problem: 'no_cookie' }
    clearCookie(res, name, cookie.attributes)
    if (this.#state.used.has(decrypted.stateHash)) return { problem: 'used' }
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

function cookieName({ prefix }: TransactionCookie, cookieHash: string): string {
  return `${prefix}nonce.${cookieHash.slice(0, 8)}`
}

/**
 * Clears the cookies of abandoned logins. Browsers send the oldest cookie first. (RFC 6265, 5.4)
 */
function clearOldest(
  res: ServerResponse,
  cookieHeader: string | undefined,
  cookie: TransactionCookie,
): void {
  const ours = readCookiesByPrefix(cookieHeader, `${cookie.prefix}nonce.`).filter(({ name }) =>
    /\.[0-9a-f]{8}$/.test(name),
  )
  let bytes = ours.reduce(
    (sum, { name, value }) => sum + name.length + value.length + 3,
    cookie.prefix.length + 64,
  )
  for (const [index, { name, value }] of ours.slice(0, MAX_CLEARED_COOKIES).entries()) {
    if (ours.length - index < MAX_COOKIES && bytes <= MAX_COOKIE_BYTES) return
    bytes -= name.length + value.length + 3
    clearCookie(res, name, cookie.attributes)
  }
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
