import type { OfflineAccess, Provider } from '../access/provider.js'
import type { Memberships } from '../oauth/identity.js'
import { mergePrompts } from '../providers/request-params.js'
import type { LoginRequest } from './links.js'

/** Longer values of query parameters are ignored. */
const MAX_VALUE_LENGTH = 2048

/**
 * The parameters of an authorization request that follow from the options, the query and the login
 * request.
 */
export function authorizationParams(
  provider: Provider,
  offline: OfflineAccess | undefined,
  ask: LoginRequest['ask'],
  query: URLSearchParams | undefined,
): Record<string, string> {
  const configured = { ...provider.authorizationParams, ...offline?.params }
  return {
    ...configured,
    ...mappedParams(provider, query),
    ...promptParams(provider, ask, configured['prompt']),
  }
}

/** The scopes of an authorization request; `guarded` are the memberships that guards name. */
export function scopesToRequest(
  provider: Provider,
  offline: OfflineAccess | undefined,
  guarded: Required<Memberships>,
  { scopes = [], keptScopes = [] }: LoginRequest,
  query: URLSearchParams | undefined,
): readonly string[] {
  const { membershipScopes = [], membershipLists: supported = [] } = provider
  const readsMemberships = supported.some((list) => guarded[list].length > 0)
  return [
    ...new Set([
      ...provider.requestedScopes,
      ...(offline?.scopes ?? []),
      ...(readsMemberships ? membershipScopes : []),
      ...connectionScopes(provider, query),
      ...keptScopes,
      ...scopes,
    ]),
  ]
}

/**
 * The query parameters that a login with one of these providers reads, to append to a link to that
 * login.
 */
export function carriedParams(providers: readonly Provider[], query: URLSearchParams): string {
  const names = new Set(
    providers.flatMap(({ authorizationParamsMap, connectionScopes: allowed }) => [
      ...Object.values(authorizationParamsMap),
      ...(allowed.length > 0 ? ['connection_scope'] : []),
    ]),
  )
  const carried = new URLSearchParams(
    [...query].filter(([name, value]) => names.has(name) && value.length <= MAX_VALUE_LENGTH),
  )
  return carried.size > 0 ? `&${carried.toString()}` : ''
}

/** `authorizationParamsMap`. A repeated query parameter is ambiguous and ignored. */
function mappedParams(
  { authorizationParamsMap }: Provider,
  query: URLSearchParams | undefined,
): Record<string, string> {
  const params: Record<string, string> = {}
  for (const [name, from] of Object.entries(authorizationParamsMap)) {
    const [value, ...more] = query?.getAll(from) ?? []
    if (value !== undefined && more.length === 0 && value.length <= MAX_VALUE_LENGTH)
      params[name] = value
  }
  return params
}

/** `?connection_scope=`, limited to the scopes that the options allow. */
function connectionScopes(
  { connectionScopes: allowed, connectionScopeSeparator }: Provider,
  query: URLSearchParams | undefined,
): readonly string[] {
  if (allowed.length === 0) return []
  const requested = (query?.getAll('connection_scope') ?? []).flatMap((value) =>
    value.split(connectionScopeSeparator),
  )
  return allowed.filter((scope) => requested.includes(scope))
}

/** The parameters for `ask`, with `prompt` merged into the configured one. */
function promptParams(
  provider: Provider,
  ask: LoginRequest['ask'],
  configured: string | undefined,
): Record<string, string> {
  if (ask === undefined) return {}
  const { reauthenticate, selectAccount, requestConsent } = provider
  const params =
    { login: reauthenticate, account: selectAccount, scopes: requestConsent }[ask] ?? {}
  const { prompt } = params
  return prompt === undefined ? params : { ...params, prompt: mergePrompts(configured, prompt) }
}
