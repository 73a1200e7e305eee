import { createPrivateKey } from 'node:crypto'
import type * as OpenidClient from 'openid-client'
import { OAuthError } from '../http/errors.js'
import { isObject } from '../http/json.js'
import type { ClientConfig } from './client-config.js'
import type { ClientAuth } from './endpoints.js'
import type { ServerMetadata } from './discovery.js'
import { loadJose } from './libraries.js'

/**
 * The configured client authentication. Default: the one that discovery lists; `post` if it lists
 * both or neither, because `private_key_jwt` and `none` need other credentials. (RFC 8414, 2)
 */
export function clientAuthMethod(
  { clientAuth }: Pick<ClientConfig, 'clientAuth'>,
  { clientAuthMethods }: Pick<ServerMetadata, 'clientAuthMethods'>,
): ClientAuth {
  if (clientAuth !== undefined) return clientAuth
  const isListed = (method: string) => clientAuthMethods.includes(method)
  return isListed('client_secret_basic') && !isListed('client_secret_post') ? 'basic' : 'post'
}

/** Client authentication for openid-client. (RFC 6749, 2.3; RFC 7523, 2.2) */
export async function clientAuth(
  oidc: typeof OpenidClient,
  method: ClientAuth,
  secret: string | undefined = '',
): Promise<OpenidClient.ClientAuth> {
  switch (method) {
    case 'post':
      return oidc.ClientSecretPost(secret)
    case 'basic':
      return basicAuth(secret)
    case 'private_key_jwt':
      return oidc.PrivateKeyJwt(await importPrivateKey(secret))
    case 'none':
      return oidc.None()
  }
}

/**
 * `client_secret_basic`. Form encoding leaves `*-._` unchanged (RFC 6749, appendix B), but
 * openid-client encodes them, which servers that do not decode the credentials reject.
 */
function basicAuth(secret: string): OpenidClient.ClientAuth {
  return (_server, { client_id: id }, _body, headers) => {
    const credentials = Buffer.from(`${formEncode(id)}:${formEncode(secret)}`).toString('base64')
    headers.set('authorization', `Basic ${credentials}`)
  }
}

/** Encodes a value as `application/x-www-form-urlencoded`. (URL Standard, 5.2) */
export function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1)
}

/** Parses a private key, in PEM (PKCS #8) or as a JWK in JSON. `undefined` if it is neither. */
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

async function importPrivateKey(secret: string): Promise<OpenidClient.PrivateKey> {
  const jose = await loadJose()
  const jwk = readPrivateKey(secret)
  const key = jwk && (await jose.importJWK(jwk, signingAlgorithm(jwk)).catch(() => undefined))
  if (jwk === undefined || key === undefined || key instanceof Uint8Array)
    throw new OAuthError('misconfigured', {
      hint: 'clientSecret must be a private key in PEM (PKCS #8) or a JWK in JSON',
    })
  return { key, ...(typeof jwk['kid'] === 'string' && { kid: jwk['kid'] }) }
}

/** The algorithm of a JWK, or the usual one for its type of key. (RFC 7518, 3.1; RFC 8037, 3.1) */
function signingAlgorithm({ alg, kty, crv }: Record<string, unknown>): string {
  if (typeof alg === 'string') return alg
  if (kty === 'RSA') return 'RS256'
  if (kty === 'OKP') return 'EdDSA'
  return crv === 'P-384' ? 'ES384' : crv === 'P-521' ? 'ES512' : 'ES256'
}
