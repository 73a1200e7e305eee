import { hash, timingSafeEqual } from 'node:crypto'
import { random } from './random.js'

/** SHA-256, in hexadecimal. */
export function sha256(value: string): string {
  return hash('sha256', value, 'hex')
}

/**
 * 32 random bytes as 43 characters of base64url, for session ids and the secrets of transactions.
 */
export function randomId(): string {
  return random(32).toString('base64url')
}

/** Whether a string has the format of {@link randomId}. Checked before any store sees it. */
export function isId(value: string): boolean {
  return value.length === 43 && /^[A-Za-z0-9_-]+$/.test(value)
}

/**
 * Whether a string can be a key of a store. Some stores use keys as file names, so anything else
 * must not reach a store.
 */
export function isStoreKey(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9:_-]{1,100}$/.test(value)
}

/**
 * A value derived from a random `id` that does not reveal it, such as the nonce and the PKCE code
 * verifier of a transaction. A plain hash is enough, because the secret comes last: the hash cannot
 * be extended. An HMAC takes three times as long.
 */
export function deriveFrom(id: string, label: string): string {
  return hash('sha256', `${label}.${id}`, 'base64url')
}

/** The PKCE code challenge of a code verifier. (RFC 7636, 4.2) */
export function codeChallengeOf(codeVerifier: string): string {
  return hash('sha256', codeVerifier, 'base64url')
}

/** Compares a secret with what a client sent, in constant time whatever their lengths are. */
export function isSameSecret(given: string, secret: string): boolean {
  return isSameHash(sha256(given), sha256(secret))
}

/** Compares two hashes in constant time. */
export function isSameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
