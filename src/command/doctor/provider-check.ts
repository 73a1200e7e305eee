import type { Provider } from '../../access/provider.js'
import type { ServerMetadata } from '../../oauth/discovery.js'
import { type Problem, warning } from './finding.js'
import { checkKeys } from './keys-check.js'
import { checkServer, type ServerResult } from './server-check.js'

/** Whether the provider can be reached, its metadata and keys are usable, and its clock agrees. */
export function checkProvider(provider: Provider): Promise<ServerResult> {
  return checkServer({ ...provider, optionPrefix: '' }, (metadata, keySource) =>
    checkKeys(provider, metadata, keySource),
  )
}

/** Scopes that the provider does not list as supported. It may reject them. (RFC 8414, 2) */
export function checkListedScopes(provider: Provider, { scopes }: ServerMetadata): Problem[] {
  const missing = provider.requestedScopes.filter((scope) => !scopes.includes(scope))
  return scopes.length === 0 || missing.length === 0
    ? []
    : [
        warning(
          'scopes_not_listed',
          `the provider does not list these scopes as supported: ${missing.join(' ')}`,
          'if logins fail, remove them from scopes, or allow them for this client at the provider',
        ),
      ]
}
