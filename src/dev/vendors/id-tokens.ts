import { createHash, createHmac } from 'node:crypto'
import { CompactSign } from 'jose'
import { signingKey, type SigningAlg } from './keys.js'
import type { ClaimsOverride, SigningFault, VendorServer } from './types.js'

interface Override {
  claims?: ClaimsOverride | undefined
  header?: Record<string, unknown>
  signing?: SigningFault
  once?: boolean
}

/** Signs the ID tokens of one server. */
export type IdTokens = ReturnType<typeof createIdTokens>

const base64url = (text: string) => Buffer.from(text).toString('base64url')

/** OpenID Connect Core, section 3.1.3.6. Ed25519 uses SHA-512. */
export function halfHash(token: string, alg = 'RS256'): string {
  const hash = createHash(alg.startsWith('Ed') ? 'sha512' : `sha${alg.slice(-3)}`)
  const digest = hash.update(token).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

function hmacToken(header: object, payload: string, key: string): string {
  const input = `${base64url(JSON.stringify({ ...header, alg: 'HS256' }))}.${base64url(payload)}`
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
}

/** Signs ID tokens, with the changes or the invalid signature that a test has set. */
export function createIdTokens(server: Pick<VendorServer, 'clientSecret' | 'settings'>) {
  // Key 0 is never published. It simulates the key of an attacker.
  let current = 1
  let override: Override = {}

  /** Signs an ID token, with the changes that a test has set. */
  async function sign(claims: Record<string, unknown>): Promise<string> {
    const { claims: laidOver, header: extra, signing, once } = override
    if (once) override = {}
    const alg = keyAlgOf(server.settings.signingAlg)
    const key = await signingKey(alg, signing === 'wrong-key' ? 0 : current)
    const published = await signingKey(alg, current)
    const payload = JSON.stringify(
      typeof laidOver === 'function' ? laidOver(claims) : { ...claims, ...laidOver },
    )
    const kid = signing === 'unknown-kid' ? 'unknown-key' : published.kid
    const header = { alg, ...(signing === 'no-kid' ? {} : { kid }), ...extra }

    if (signing === 'none')
      return `${base64url(JSON.stringify({ ...header, alg: 'none' }))}.${base64url(payload)}.`
    if (usesSecret(signing, server)) return hmacToken(header, payload, server.clientSecret)
    if (signing === 'HS256-public-key') return hmacToken(header, payload, published.publicPem)
    const token = await new CompactSign(Buffer.from(payload))
      .setProtectedHeader(header)
      .sign(key.privateKey)
    return signing === 'bad-signature' ? spoil(token) : token
  }

  return {
    sign,
    /** Signs another JWT, which overrides do not change. */
    async signJwt(claims: Record<string, unknown>): Promise<string> {
      const alg = keyAlgOf(server.settings.signingAlg)
      const { kid, privateKey } = await signingKey(alg, current)
      return new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ alg, kid })
        .sign(privateKey)
    },
    override(next: Override) {
      override = next
    },
    rotate() {
      current += 1
    },
    async jwks(extra: Record<string, unknown> = {}) {
      const { publicJwk } = await signingKey(keyAlgOf(server.settings.signingAlg), current)
      return { keys: [{ ...publicJwk, ...extra }] }
    },
  }
}

/** A server that signs with the client secret publishes RSA keys for its other clients. */
function keyAlgOf(alg: SigningAlg | 'HS256'): SigningAlg {
  return alg === 'HS256' ? 'RS256' : alg
}

function usesSecret(
  fault: SigningFault | undefined,
  { settings }: Pick<VendorServer, 'settings'>,
): boolean {
  return fault === 'HS256-secret' || (fault === undefined && settings.signingAlg === 'HS256')
}

function spoil(token: string): string {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const first = signature.startsWith('A') ? 'B' : 'A'
  return `${header}.${payload}.${first}${signature.slice(1)}`
}
