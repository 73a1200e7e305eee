import type { ApiResponse } from './provider-api.js'

/**
 * The status of a response and what is wrong with it, for hints. External text is left out: only
 * the origin of a redirect and a well-formed content type are named.
 */
export function describeResponse({ status, headers, body }: ApiResponse): string {
  const location = headers.get('location')
  if (status >= 300 && status < 400 && location !== null)
    return `status ${status}, a redirect to ${originOf(location)}, which is not followed: configure the URL of its target`
  if (status >= 400 || body !== undefined) return `status ${status}`
  return `status ${status} and ${contentTypeOf(headers)} that is not valid JSON in UTF-8`
}

function originOf(location: string): string {
  return URL.canParse(location) ? new URL(location).origin.slice(0, 200) : 'another path'
}

function contentTypeOf(headers: Headers): string {
  const [type = ''] = (headers.get('content-type') ?? '').split(';')
  return /^[a-z]{1,32}\/[a-z0-9.+-]{1,64}$/i.test(type.trim())
    ? `a body of the type ${type.trim().toLowerCase()}`
    : 'a body'
}
