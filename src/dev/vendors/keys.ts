import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type CryptoKey,
  type GenerateKeyPairResult,
  type JWK,
} from 'jose'

/** The algorithms of ID tokens. */
export type SigningAlg = 'RS256' | 'ES256'

// Generating RSA keys is slow, so all servers of a process share the keys.
const pairs: Record<SigningAlg, Promise<GenerateKeyPairResult>[]> = { RS256: [], ES256: [] }

function pair(alg: SigningAlg, index: number): Promise<GenerateKeyPairResult> {
  return (pairs[alg][index] ??= generateKeyPair(alg, { modulusLength: 2048 }))
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
