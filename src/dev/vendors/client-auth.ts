import { importJWK, jwtVerify } from 'jose'
import type { Exchange, Vendor } from './vendor.js'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

// In Basic authentication, both parts are form-encoded (RFC 6749, section 2.3.1).
const decode = (part: string) => decodeURIComponent(part.replaceAll('+', ' '))

function basicCredentials(header: string, isRaw: boolean): [string, string] | undefined {
  const [scheme = '', encoded = ''] = header.split(' ')
  if (scheme.toLowerCase() !== 'basic') return undefined
  const credentials = Buffer.from(encoded, 'base64').toString()
  const colon = credentials.indexOf(':')
  if (colon < 0) return undefined
  if (isRaw) return [credentials.slice(0, colon), credentials.slice(colon + 1)]
  try {
    return [decode(credentials.slice(0, colon)), decode(credentials.slice(colon + 1))]
  } catch {
    return undefined
  }
}

async function isAssertionValid(
  assertion: string,
  vendor: Vendor,
  tokenUrl: string,
): Promise<boolean> {
  const { clientKey } = vendor.settings
  if (!clientKey) return false
  try {
    const key = await importJWK(
      clientKey,
      typeof clientKey['alg'] === 'string' ? clientKey['alg'] : 'RS256',
    )
    const { payload } = await jwtVerify(assertion, key, {
      issuer: vendor.clientId,
      subject: vendor.clientId,
      audience: [vendor.url(''), tokenUrl],
      requiredClaims: ['exp', 'jti'],
    })
    return vendor.isFirstUse(String(payload.jti))
  } catch {
    return false
  }
}

/** Whether the client authenticates with a method that the settings allow. */
export async function isClientAuthenticated(
  { request }: Exchange,
  vendor: Vendor,
): Promise<boolean> {
  const { clientAuth } = vendor.settings
  const { form = {} } = request
  const header = request.headers.authorization
  if (typeof header === 'string') {
    // A request must not use two authentication methods (RFC 6749, section 2.3).
    if (form['client_secret'] !== undefined || form['client_assertion'] !== undefined) return false
    const [id, secret] = basicCredentials(header, vendor.settings.rawBasic) ?? []
    return (
      clientAuth.includes('client_secret_basic') &&
      id === vendor.clientId &&
      secret === vendor.clientSecret
    )
  }
  if (form['client_assertion'] !== undefined) {
    if (!clientAuth.includes('private_key_jwt') || form['client_assertion_type'] !== ASSERTION_TYPE)
      return false
    return isAssertionValid(
      form['client_assertion'],
      vendor,
      new URL(request.url, vendor.origin).href,
    )
  }
  if (form['client_id'] !== vendor.clientId) return false
  if (form['client_secret'] !== undefined) {
    return (
      clientAuth.includes('client_secret_post') && form['client_secret'] === vendor.clientSecret
    )
  }
  return clientAuth.includes('none')
}
