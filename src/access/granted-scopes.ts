import { ProviderError } from '../http/errors.js'
import { asStrings } from '../oauth/claims.js'
import type { ProviderDefinition } from '../oauth/definition.js'
import type { Claims } from '../oauth/identity.js'
import type { ProviderApi } from '../oauth/provider-api.js'
import { runHook } from '../oauth/run-hook.js'
import type { Provider } from './provider.js'

/** How a provider spells scopes, and which ones include others. */
type ScopeRules = Pick<ProviderDefinition, 'impliedScopes' | 'canonicalScope'>

/**
 * The granted scopes as the provider lists them, those that they imply, and those of `requested`
 * that it lists under another spelling.
 */
export function allGranted(
  rules: ScopeRules,
  listed: readonly string[],
  requested: readonly string[] = [],
): readonly string[] {
  const { impliedScopes = {} } = rules
  const granted = new Set(listed)
  // Iterates over the implied scopes as well, which may imply others.
  for (const scope of granted)
    for (const name of [scope, canonical(rules, scope)])
      if (Object.hasOwn(impliedScopes, name))
        for (const implied of impliedScopes[name] ?? []) granted.add(implied)
  const known = new Set([...granted].map((scope) => canonical(rules, scope)))
  return [...granted, ...requested.filter((scope) => isOtherSpelling(rules, scope, known, granted))]
}

/** Those of `needed` that are not granted, compared as the provider compares scopes. */
export function missingScopes(
  rules: ScopeRules,
  granted: readonly string[],
  needed: readonly string[],
): readonly string[] {
  const unlisted = needed.filter((scope) => !granted.includes(scope))
  if (unlisted.length === 0) return unlisted
  const known = new Set(allGranted(rules, granted).map((scope) => canonical(rules, scope)))
  return unlisted.filter((scope) => !known.has(canonical(rules, scope)))
}

/**
 * Whether a login fails without the configured scopes: only if the provider lists what the user
 * granted.
 */
export function requiresScopes(
  { reportsGrantedScopes, grantedScopes }: Provider,
  tokens: Claims,
): boolean {
  return typeof reportsGrantedScopes === 'function'
    ? reportsGrantedScopes(tokens)
    : (reportsGrantedScopes ?? grantedScopes !== undefined)
}

/** The granted scopes, if the provider has an API for them; otherwise `undefined`. */
export async function fetchGrantedScopes(
  { grantedScopes: hook }: Provider,
  api: ProviderApi,
): Promise<readonly string[] | undefined> {
  return hook && asStrings(await runHook('grantedScopes', api, () => hook(api)))
}

/**
 * The scopes that are still granted: users can withdraw a permission while the access token stays
 * valid. Throws a `ProviderError` with the outcome `denied` if a required scope was withdrawn.
 */
export async function recheckScopes(
  provider: Provider,
  api: ProviderApi,
): Promise<readonly string[]> {
  const fetched = await fetchGrantedScopes(provider, api)
  if (fetched === undefined) return api.scopes
  const granted = allGranted(provider, fetched, api.scopes)
  if (
    !requiresScopes(provider, api.tokens) ||
    missingScopes(provider, granted, provider.requiredScopes).length === 0
  )
    return granted
  throw new ProviderError('denied', 'access_denied', {
    hint: 'the user withdrew a scope that the options require',
  })
}

function canonical({ canonicalScope }: ScopeRules, scope: string): string {
  return canonicalScope === undefined ? scope : canonicalScope(scope)
}

function isOtherSpelling(
  rules: ScopeRules,
  scope: string,
  known: ReadonlySet<string>,
  granted: ReadonlySet<string>,
): boolean {
  return !granted.has(scope) && known.has(canonical(rules, scope))
}
