import type { VendorResponse } from './types.js'

const noStore = { 'cache-control': 'no-store', pragma: 'no-cache' }

/** A JSON response that must not be cached. */
export function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): VendorResponse {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...noStore, ...headers },
    body: JSON.stringify(body),
  }
}

/** A form-encoded response that must not be cached. */
export function form(
  status: number,
  fields: Record<string, string | number | undefined>,
): VendorResponse {
  const body = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined) body.set(name, String(value))
  const type = 'application/x-www-form-urlencoded; charset=utf-8'
  return { status, headers: { 'content-type': type, ...noStore }, body: body.toString() }
}

/** A plain-text response. */
export function text(status: number, body: string): VendorResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}

/** A 302 response. */
export function redirect(location: string): VendorResponse {
  return { status: 302, headers: { location, 'cache-control': 'no-store' }, body: '' }
}

/** The error response of a token endpoint (RFC 6749, section 5.2). */
export function oauthError(status: number, error: string, description: string): VendorResponse {
  const challenge: Record<string, string> =
    status === 401 ? { 'www-authenticate': 'Basic realm="oauth"' } : {}
  return json(status, { error, error_description: description }, challenge)
}

/** The error response of a protected resource (RFC 6750, section 3). */
export function bearerError(status: number, error: string, description: string): VendorResponse {
  const challenge = `Bearer error="${error}", error_description="${description}"`
  return json(status, { error, error_description: description }, { 'www-authenticate': challenge })
}
