import { isAllowedUrl } from '../http/origin.js'

/** Issuers that differ by a slash at the end are the same: Google uses both. */
export function isSameIssuer(a: string, b: string): boolean {
  return a.replace(/\/$/, '') === b.replace(/\/$/, '')
}

/**
 * Whether an issuer may name this URL as one of its endpoints: https. Only an issuer on this machine
 * may have endpoints on this machine, so that no other one reaches what listens there.
 */
export function isEndpointOf(issuer: string, url: string): boolean {
  return isAllowedUrl(url) && (url.startsWith('https:') || issuer.startsWith('http:'))
}
