import { ProviderError } from '../http/errors.js'
import { runHook } from '../oauth/run-hook.js'
import { asStrings } from '../oauth/claims.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import { type Provider } from './provider.js'

/** Scopes with those that they stand for. */
export function withImplied(
  { impliedScopes = {} }: Provider,
  said: readonly string[],
): readonly string[] {
  const implied = (scope: string) =>
    Object.hasOwn(impliedScopes, scope) ? (impliedScopes[scope] ?? []) : []
  return [...new Set([...said, ...said.flatMap(implied)])]
}

/** What the user granted, where the provider tells it apart from the token answer. */
export async function fetchGrantedScopes(
  { grantedScopes: hook }: Provider,
  source: ProviderApi,
): Promise<readonly string[] | undefined> {
  return hook && asStrings(await runHook('grantedScopes', source, () => hook(source)))
}

/** What is granted still: a permission can be taken back while the token lives. */
export async function recheckScopes(
  provider: Provider,
  source: ProviderApi,
): Promise<readonly string[]> {
  const said = await fetchGrantedScopes(provider, source)
  if (said === undefined) return source.scopes
  const granted = withImplied(provider, said)
  if (provider.requiredScopes.every((scope) => granted.includes(scope))) return granted
  throw new ProviderError('denied', 'access_denied', {
    hint: 'a scope that the options demand was taken back',
  })
}
