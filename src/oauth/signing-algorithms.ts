import { createHash } from 'node:crypto'

/** Algorithms with a public key that may sign tokens. (RFC 7518, 3.1; RFC 8037, 3.1) */
export const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

/**
 * All values of the option `signingAlgorithms`. `HS256` is verified with the client secret. (OpenID
 * Connect Core, 10.1)
 */
export const SIGNING_ALGORITHMS = [...PUBLIC_KEY_ALGORITHMS, 'HS256'] as const

/**
 * An algorithm that may sign ID tokens. `EdDSA` includes its newer name `Ed25519` (RFC 9864, 2.2).
 */
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

/** Whether ID tokens may be signed with this algorithm if the options allow it. */
export function isSigningAlgorithm(algorithm: string): algorithm is SigningAlgorithm {
  return SIGNING_ALGORITHMS.some((known) => known === algorithm)
}

/** `EdDSA` for its newer name, which `jose` treats the same. (RFC 9864, 2.2) */
export function canonicalAlgorithm(algorithm: string): string {
  return algorithm === 'Ed25519' ? 'EdDSA' : algorithm
}

/**
 * Algorithms with a public key that a member of the server metadata lists; all of them without a
 * list.
 */
export function listedAlgorithms(listed: unknown): readonly SigningAlgorithm[] {
  const names: unknown[] = [listed].flat().filter((name) => name !== undefined)
  if (names.length === 0) return PUBLIC_KEY_ALGORITHMS
  return PUBLIC_KEY_ALGORITHMS.filter((algorithm) =>
    names.some((name) => typeof name === 'string' && canonicalAlgorithm(name) === algorithm),
  )
}

/**
 * `at_hash`: the left half of the hash with the algorithm's hash function. (OpenID Connect Core,
 * 3.1.3.6)
 */
export function accessTokenHash(accessToken: string, algorithm: string): string {
  const digest = createHash(hashOf(algorithm)).update(accessToken).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

/** The hash function of an algorithm; Ed25519 uses SHA-512. (RFC 7518, 3.1; RFC 8032, 5.1) */
function hashOf(algorithm: string): string {
  if (algorithm.startsWith('Ed')) return 'sha512'
  return `sha${algorithm.slice(-3)}`
}
