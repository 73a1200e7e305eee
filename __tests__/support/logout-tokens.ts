import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import type { Gate } from './gate.js'

export interface LogoutTokens {
  /**
   * Sends a logout token for the current user of the vendor, and returns the status.
   *
   * @param alg `none`, or `HS256` with the client secret, instead of a signature that is right.
   */
  send(gate: Gate, claims?: Record<string, unknown>, alg?: 'none' | 'HS256'): Promise<number>
}

/** Has the vendor publish a key, with which logout tokens are signed. */
export async function startLogoutTokens(vendor: VendorServer): Promise<LogoutTokens> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { keys } = (await (await fetch(`${vendor.origin}/jwks`)).json()) as { keys: object[] }
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'logout', alg: 'RS256', use: 'sig' }
  vendor.respond('jwks', { body: { keys: [...keys, jwk] } })
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signatures = {
    none: () => '',
    HS256: (input: string) =>
      createHmac('sha256', vendor.clientSecret).update(input).digest('base64url'),
    RS256: (input: string) => sign('sha256', Buffer.from(input), privateKey).toString('base64url'),
  }
  return {
    async send(gate, claims = {}, alg) {
      const now = Math.floor(Date.now() / 1000)
      const kid = alg === undefined ? { kid: 'logout' } : {}
      const header = encode({ alg: alg ?? 'RS256', ...kid, typ: 'logout+jwt' })
      const payload = encode({
        iss: vendor.origin,
        aud: vendor.clientId,
        iat: now,
        exp: now + 120,
        jti: randomUUID(),
        sub: String(vendor.user.id),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        ...claims,
      })
      const input = `${header}.${payload}`
      const token = `${input}.${signatures[alg ?? 'RS256'](input)}`
      const response = await fetch(gate.url('/auth/backchannel-logout'), {
        method: 'POST',
        body: new URLSearchParams({ logout_token: token }),
      })
      return response.status
    },
  }
}
