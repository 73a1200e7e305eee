import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type CryptoKey,
  type GenerateKeyPairResult,
  type JWK,
} from 'jose'

/** The algorithms of ID tokens with a key pair. */
export type SigningAlg =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'

// Generating RSA keys is slow, so all servers of a process share the keys.
const pairs = new Map<string, Promise<GenerateKeyPairResult>>()

function pair(alg: SigningAlg, index: number): Promise<GenerateKeyPairResult> {
  const name = `${alg}-${index}`
  const known = pairs.get(name) ?? generateKeyPair(alg, { modulusLength: 2048 })
  pairs.set(name, known)
  return known
}

/** A key pair in the formats that the servers use. */
export interface SigningKey {
  kid: string
  privateKey: CryptoKey
  publicJwk: JWK
  publicPem: string
}

/** Returns the key with this number. */
export async function signingKey(alg: SigningAlg, index: number): Promise<SigningKey> {
  const { privateKey, publicKey } = await pair(alg, index)
  const kid = `${alg.toLowerCase()}-${index}`
  const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { kid, privateKey, publicJwk, publicPem: await exportSPKI(publicKey) }
}
