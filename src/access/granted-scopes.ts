import { ProviderError } from '../http/errors.js'
import { asStrings } from '../oauth/claims.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import { runHook } from '../oauth/run-hook.js'
import type { Provider } from './provider.js'

/** The scopes, and those that they imply at this provider. */
export function withImplied(
  { impliedScopes = {} }: Provider,
  scopes: readonly string[],
): readonly string[] {
  const implied = (scope: string) =>
    Object.hasOwn(impliedScopes, scope) ? (impliedScopes[scope] ?? []) : []
  return [...new Set([...scopes, ...scopes.flatMap(implied)])]
}

/** The granted scopes, if the provider has an API for them; otherwise `undefined`. */
export async function fetchGrantedScopes(
  { grantedScopes: hook }: Provider,
  api: ProviderApi,
): Promise<readonly string[] | undefined> {
  return hook && asStrings(await runHook('grantedScopes', api, () => hook(api)))
}

/**
 * The scopes that are still granted: users can withdraw a permission while the access token stays valid. Throws a
 * `ProviderError` with the outcome `denied` if a required scope was withdrawn.
 */
export async function recheckScopes(
  provider: Provider,
  api: ProviderApi,
): Promise<readonly string[]> {
  const fetched = await fetchGrantedScopes(provider, api)
  if (fetched === undefined) return api.scopes
  const granted = withImplied(provider, fetched)
  if (provider.requiredScopes.every((scope) => granted.includes(scope))) return granted
  throw new ProviderError('denied', 'access_denied', {
    hint: 'the user withdrew a scope that the options require',
  })
}
