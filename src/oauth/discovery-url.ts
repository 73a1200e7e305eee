import { ProviderError } from '../http/errors.js'
import { isAllowedUrl } from '../http/origin.js'

/** What a URL of a discovery document must be. */
export interface UrlRules {
  isRequired: boolean
  insecureHttp?: boolean | undefined
}

/** A URL of a discovery document. Throws a `ProviderError` if it is required, or not allowed. */
export function readUrl(
  document: Record<string, unknown>,
  member: string,
  { isRequired, insecureHttp }: UrlRules,
): string | undefined {
  const url = document[member]
  if ((url === undefined || url === '') && !isRequired) return undefined
  if (url === undefined)
    throw new ProviderError('owner', 'misconfigured', {
      hint: `the discovery document has no ${member}`,
    })
  if (typeof url === 'string' && isAllowedUrl(url, insecureHttp)) return url
  const isPlainHttp = typeof url === 'string' && isAllowedUrl(url, true)
  throw new ProviderError('unusable', 'provider_error', {
    hint: isPlainHttp
      ? `the ${member} of the discovery document is a URL over plain http: set insecureHttp: true if you trust the network between this server and the provider`
      : `the ${member} of the discovery document is not an https URL`,
  })
}
