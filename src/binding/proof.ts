import { isObject, parseJson } from '../http/json.js'
import { loadJose } from '../oauth/libraries.js'
import type { DeviceKey } from '../session/device-key.js'

const TYPE = 'dbsc+jwt'

/** What a proof claims to sign, before anything is verified. */
export function claimedChallenge(proof: string): string | undefined {
  const [, claims = ''] = proof.split('.', 2)
  return challengeOf(Buffer.from(claims, 'base64url'))
}

/**
 * The key in the proof of a registration, which is signed with it. `undefined` if it is not one.
 * (https://w3c.github.io/webappsec-dbsc/#format-jwt)
 */
export async function readRegistration(proof: string): Promise<DeviceKey | undefined> {
  const jose = await loadJose()
  let device: DeviceKey | undefined
  try {
    const { alg, jwk } = jose.decodeProtectedHeader(proof)
    device = deviceOf(alg, jwk)
  } catch {
    return undefined
  }
  if (device === undefined) return undefined
  return (await readProof(proof, device)) === undefined ? undefined : device
}

/** The challenge of a proof that is signed with this key; otherwise `undefined`. */
export async function readProof(proof: string, device: DeviceKey): Promise<string | undefined> {
  const jose = await loadJose()
  try {
    const key = await jose.importJWK(jwkOf(device), device.alg)
    const options = { algorithms: [device.alg] }
    const { payload, protectedHeader } = await jose.compactVerify(proof, key, options)
    // A token that the same key has signed for another purpose. (RFC 8725, 3.11)
    if (protectedHeader.typ !== TYPE) return undefined
    return challengeOf(payload)
  } catch {
    return undefined
  }
}

function challengeOf(payload: Uint8Array): string | undefined {
  const claims = parseJson(Buffer.from(payload).toString())
  const challenge = isObject(claims) ? claims['jti'] : undefined
  return typeof challenge === 'string' ? challenge : undefined
}

const COORDINATE = /^[A-Za-z0-9_-]{43}$/
/** From 2048 to 4096 bits. */
const MODULUS = /^[A-Za-z0-9_-]{342,683}$/

/** Only the public members, of the kinds of keys that the specification names. */
function deviceOf(alg: unknown, jwk: unknown): DeviceKey | undefined {
  if (!isObject(jwk)) return undefined
  const { kty, crv, x, y, n, e } = jwk
  if (alg === 'ES256' && kty === 'EC' && crv === 'P-256' && matches(x, COORDINATE))
    return matches(y, COORDINATE) ? { alg, x, y } : undefined
  if (alg === 'RS256' && kty === 'RSA' && e === 'AQAB' && matches(n, MODULUS)) return { alg, n }
  return undefined
}

function jwkOf(device: DeviceKey) {
  if (device.alg === 'RS256') return { kty: 'RSA', n: device.n, e: 'AQAB' }
  return { kty: 'EC', crv: 'P-256', x: device.x, y: device.y }
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value)
}
