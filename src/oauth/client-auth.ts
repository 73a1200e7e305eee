import { createPrivateKey } from 'node:crypto'
import type * as OpenidClient from 'openid-client'
import { OAuthError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import type { ClientAuth } from './definition.js'

/** How the client authenticates at the token endpoint. (RFC 6749, 2.3; RFC 7523, 2.2) */
export async function clientAuth(
  oidc: typeof OpenidClient,
  method: ClientAuth,
  secret: string | undefined = '',
): Promise<OpenidClient.ClientAuth> {
  switch (method) {
    case 'basic':
      return oidc.ClientSecretBasic(secret)
    case 'none':
      return oidc.None()
    case 'private_key_jwt':
      return oidc.PrivateKeyJwt(await importPrivateKey(secret))
    default:
      return oidc.ClientSecretPost(secret)
  }
}

async function importPrivateKey(secret: string): Promise<OpenidClient.PrivateKey> {
  const jose = await import('jose')
  const jwk = readPrivateKey(secret)
  const key =
    jwk === undefined
      ? undefined
      : await jose.importJWK(jwk, algorithmOf(jwk)).catch(() => undefined)
  if (jwk === undefined || key === undefined || key instanceof Uint8Array) {
    throw new OAuthError('misconfigured', {
      hint: 'clientSecret is no private key in PEM (PKCS #8) or JWK form',
    })
  }
  return { key, ...(typeof jwk['kid'] === 'string' && { kid: jwk['kid'] }) }
}

/** `undefined` when it is neither a JWK in JSON nor PEM. */
export function readPrivateKey(secret: string): Record<string, unknown> | undefined {
  try {
    const jwk: unknown = secret.trimStart().startsWith('{')
      ? JSON.parse(secret)
      : createPrivateKey(secret).export({ format: 'jwk' })
    return isObject(jwk) && typeof jwk['d'] === 'string' ? jwk : undefined
  } catch {
    return undefined
  }
}

function algorithmOf({ alg, kty, crv }: Record<string, unknown>): string {
  if (typeof alg === 'string') return alg
  if (kty === 'RSA') return 'RS256'
  if (kty === 'OKP') return 'EdDSA'
  return crv === 'P-384' ? 'ES384' : crv === 'P-521' ? 'ES512' : 'ES256'
}
