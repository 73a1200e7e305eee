import type * as Jose from 'jose'
import { withoutNull } from '../http/json.js'
import type { Claims } from './identity.js'
import { loadJose } from './libraries.js'
import { canonicalAlgorithm } from './signing-algorithms.js'

/** Limits the work that one token can cause. */
const MAX_MATCHING_KEYS = 16

/** Decides whether a JWK may sign a token with these claims. */
export type AcceptsKey = (key: Claims, claims: Claims) => boolean

/**
 * The public members of a JWK. Private ones that a provider publishes by mistake are ignored. (RFC
 * 7517, 4; RFC 7518, 6)
 */
const PUBLIC_MEMBERS = ['kty', 'kid', 'use', 'alg', 'key_ops', 'n', 'e', 'crv', 'x', 'y']

/**
 * The key set of an issuer. `jose` selects the keys by `alg`, `kid`, `kty`, `crv`, `use` and
 * `key_ops`, and imports them; symmetric keys never match. (RFC 8725, 3.1)
 */
export class SigningKeys {
  readonly #keys: readonly Claims[]
  #keySet: Jose.LocalJWKSet | undefined

  constructor(keys: readonly Claims[]) {
    this.#keys = keys.map(withoutNull)
  }

  /** Whether the set has a key that can verify signatures of this algorithm. (RFC 7517, 4) */
  hasKeyFor(algorithm: string): boolean {
    return this.#keys.some(
      ({ kty, crv, use, alg }) =>
        (use === undefined || use === 'sig') &&
        (alg === undefined || (typeof alg === 'string' && canonicalAlgorithm(alg) === algorithm)) &&
        isKeyFor(algorithm, kty, crv),
    )
  }

  /**
   * The claims of a JWT, or `undefined` if no key verifies its signature. Does not check the
   * claims.
   */
  async verify(
    token: string,
    algorithm: string,
    acceptsKey: AcceptsKey | undefined,
  ): Promise<Claims | undefined> {
    const jose = await loadJose()
    try {
      const claims: Claims = jose.decodeJwt(token)
      // The claims are not verified yet: the signature must then match one of the keys that may
      // sign them.
      const keySet = acceptsKey
        ? jose.createLocalJWKSet(publicKeys(this.#acceptedKeys(acceptsKey, claims)))
        : (this.#keySet ??= jose.createLocalJWKSet(publicKeys(this.#keys)))
      return (await isSigned(jose, token, algorithm, keySet)) ? claims : undefined
    } catch {
      // No matching key, a key that cannot be imported, or a malformed token: the signature is not
      // verified.
      return undefined
    }
  }

  /**
   * `acceptsKey` may not expect the other keys of a vendor: one for which it throws must not affect
   * the rest.
   */
  #acceptedKeys(acceptsKey: AcceptsKey, claims: Claims): readonly Claims[] {
    return this.#keys.filter((key) => {
      try {
        return acceptsKey({ ...key }, claims)
      } catch {
        return false
      }
    })
  }
}

/** RFC 7518, 3.1; RFC 8037, 3.1 */
function isKeyFor(algorithm: string, kty: unknown, crv: unknown): boolean {
  if (/^[RP]S/.test(algorithm)) return kty === 'RSA'
  if (algorithm === 'EdDSA') return kty === 'OKP' && crv === 'Ed25519'
  const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
  return kty === 'EC' && crv === curves[algorithm]
}

/** Verifies an `HS256` signature and returns the claims, unchecked. (OpenID Connect Core, 10.1) */
export async function verifyWithSecret(token: string, secret: string): Promise<Claims | undefined> {
  const jose = await loadJose()
  try {
    await jose.compactVerify(token, Buffer.from(secret), { algorithms: ['HS256'] })
    const claims: Claims = jose.decodeJwt(token)
    return claims
  } catch {
    return undefined
  }
}

function publicKeys(keys: readonly Claims[]): Jose.JSONWebKeySet {
  return {
    keys: keys.map((key) =>
      Object.fromEntries(
        PUBLIC_MEMBERS.filter((name) => name in key).map((name) => [name, memberOf(key, name)]),
      ),
    ),
  }
}

/** `jose` accepts only strings as `kid`; a number has been checked with the header. */
function keyIdOf(kid: unknown): { kid?: string } {
  return typeof kid === 'string' || typeof kid === 'number' ? { kid: String(kid) } : {}
}

/** `jose` compares `kid` and `alg` with those of the token as strings. */
function memberOf(key: Claims, name: string): unknown {
  const value = key[name]
  if (name === 'kid' && typeof value === 'number') return String(value)
  // The curve determines the algorithm of an EdDSA key, which has two names.
  return name === 'alg' && canonicalAlgorithm(String(value)) === 'EdDSA' ? undefined : value
}

async function isSigned(
  jose: typeof Jose,
  token: string,
  algorithm: string,
  keySet: Jose.LocalJWKSet,
): Promise<boolean> {
  const algorithms = [algorithm]
  try {
    const findKey: Jose.CompactVerifyGetKey = ({ kid, ...header }, input) =>
      keySet({ ...header, ...keyIdOf(kid) }, input)
    await jose.compactVerify(token, findKey, { algorithms })
    return true
  } catch (error) {
    if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) return false
    let count = 0
    for await (const key of error) {
      if (await isSignedWith(jose, token, key, algorithms)) return true
      if (++count === MAX_MATCHING_KEYS) break
    }
    return false
  }
}

async function isSignedWith(
  jose: typeof Jose,
  token: string,
  key: Jose.CryptoKey,
  algorithms: string[],
): Promise<boolean> {
  return jose.compactVerify(token, key, { algorithms }).then(
    () => true,
    () => false,
  )
}
