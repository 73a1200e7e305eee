import { timingSafeEqual } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { LRUCache } from 'lru-cache'
import { clearCookie, readCookies, readCookiesByPrefix, setCookie } from '../http/cookies.js'
import type { TransactionCookie } from '../http/mounts.js'
import { isSafePath } from '../http/request.js'
import { deriveFrom, isId, randomId, type Encrypter, sha256 } from '../http/encryption.js'
import { isObject } from '../http/json.js'

/** One login under way: what the callback must fit, and where to go then. Travels sealed, as `state`. */
export interface Transaction {
  readonly provider: string
  readonly clientId: string
  readonly instance: string
  readonly redirectUri: string
  readonly returnPath: string
  readonly scopes: readonly string[]
  /** Those of the scopes without which the login is in vain. */
  readonly demandedScopes: readonly string[]
  /** When the login began, in milliseconds. */
  readonly startedAt: number
  /** The user must log in anew at the provider. */
  readonly reauthenticates: boolean
  /** The login counts only if the provider says when the user logged in. */
  readonly needsAuthTime: boolean
  /** How often this login came back without our cookie already. */
  readonly attempts: number
}

export interface StartedTransaction {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly codeChallenge: string
}

export interface ConsumedTransaction extends Transaction {
  readonly nonce: string
  readonly codeVerifier: string
}

export interface Transactions {
  start(
    res: ServerResponse,
    cookieHeader: string | undefined,
    cookie: TransactionCookie,
    start: Transaction,
  ): StartedTransaction
  /** Reads a `state`; `undefined` when it is not ours, `'old'` when it ran out. Nothing is believed of it but what is sealed. */
  read(state: string, now: number): SealedTransaction | 'old' | undefined
  /** Takes the transaction with the browser's cookie: once. */
  consume(
    res: ServerResponse,
    cookieHeader: string | undefined,
    cookie: TransactionCookie,
    sealed: SealedTransaction,
  ): ConsumedTransaction | 'no_cookie' | 'used'
}

export interface SealedTransaction extends Transaction {
  readonly cookieHash: string
  readonly stateHash: string
}

const LIFETIME = 600_000
const MAX_COOKIES = 8
const MAX_COOKIE_BYTES = 4096
/** Others can plant cookies of our name: deleting them all at once would make headers that no proxy takes. */
const MAX_DROPPED = 16

export function createTransactions(encrypter: Encrypter): Transactions {
  const used = new LRUCache<string, true>({
    max: 10_000,
    ttl: LIFETIME,
    perf: Date,
    ttlResolution: 0,
  })

  return {
    start(res, cookieHeader, cookie, start) {
      const secret = randomId()
      const cookieHash = sha256(secret)
      dropOldest(res, cookieHeader, cookie)
      setCookie(res, cookieName(cookie, cookieHash), secret, cookie.attributes, LIFETIME / 1000)
      const codeVerifier = deriveFrom(secret, 'code_verifier')
      return {
        state: encrypter.encrypt('state', JSON.stringify({ ...start, cookieHash })),
        nonce: deriveFrom(secret, 'nonce'),
        codeVerifier,
        codeChallenge: Buffer.from(sha256(codeVerifier), 'hex').toString('base64url'),
      }
    },
    read(state, now) {
      const text = encrypter.decrypt('state', state)
      if (text === undefined) return undefined
      const sealed: unknown = JSON.parse(text)
      if (
        !isObject(sealed) ||
        typeof sealed['cookieHash'] !== 'string' ||
        typeof sealed['startedAt'] !== 'number'
      )
        return undefined
      const transaction = { ...sealed, stateHash: sha256(state) } as unknown as SealedTransaction
      const isFresh =
        now < transaction.startedAt + LIFETIME && now > transaction.startedAt - LIFETIME
      if (!isSafePath(transaction.returnPath)) return undefined
      return isFresh ? transaction : 'old'
    },
    consume(res, cookieHeader, cookie, sealed) {
      const name = cookieName(cookie, sealed.cookieHash)
      const secret = readCookies(cookieHeader, name).find(
        (value) => isId(value) && isSame(sha256(value), sealed.cookieHash),
      )
      if (secret === undefined) return 'no_cookie'
      clearCookie(res, name, cookie.attributes)
      if (used.has(sealed.stateHash)) return 'used'
      used.set(sealed.stateHash, true)
      return {
        ...sealed,
        nonce: deriveFrom(secret, 'nonce'),
        codeVerifier: deriveFrom(secret, 'code_verifier'),
      }
    },
  }
}

function cookieName({ prefix }: TransactionCookie, cookieHash: string): string {
  return `${prefix}nonce.${cookieHash.slice(0, 8)}`
}

/** Logins that were begun and left: browsers send the oldest cookie first. */
function dropOldest(
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
  for (const [index, { name, value }] of ours.slice(0, MAX_DROPPED).entries()) {
    if (ours.length - index < MAX_COOKIES && bytes <= MAX_COOKIE_BYTES) return
    bytes -= name.length + value.length + 3
    clearCookie(res, name, cookie.attributes)
  }
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
