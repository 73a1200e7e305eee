import type { OfflineAccess, Provider } from '../access/provider.js'
import type { Memberships } from '../oauth/identity.js'
import type { StartedTransaction } from '../oauth/transaction.js'
import { mergePrompts } from '../providers/request-params.js'
import type { Connection } from './connection.js'
import type { LoginRequest } from './links.js'

/** Longer values of query parameters are ignored. */
const MAX_VALUE_LENGTH = 2048

/**
 * The parameters of an authorization request that follow from the options, the query and the login
 * request.
 */
export async function authorizationParams(
  connection: Connection,
  offline: OfflineAccess | undefined,
  ask: LoginRequest['ask'],
  query: URLSearchParams | undefined,
): Promise<Record<string, string>> {
  const { provider } = connection
  const configured = { ...provider.authorizationParams, ...offline?.params }
  return {
    ...configured,
    ...mappedParams(provider, query),
    ...(await promptParams(connection, ask, configured['prompt'])),
  }
}

/** The parameters that no option can change. (RFC 6749, 4.1.1; RFC 7636, 4.3) */
export function protocolParams(
  { clientId, openid, pkce, responseMode, scopeSeparator = ' ' }: Provider,
  redirectUri: string,
  scopes: readonly string[],
  { state, nonce, codeChallenge }: StartedTransaction,
): Record<string, string> {
  return {
    response_type: 'code',
    ...(responseMode === 'form_post' && { response_mode: responseMode }),
    client_id: clientId,
    redirect_uri: redirectUri,
    ...(scopes.length > 0 && { scope: scopes.join(scopeSeparator) }),
    state,
    ...(openid && { nonce }),
    ...(pkce !== false && { code_challenge: codeChallenge, code_challenge_method: 'S256' }),
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
async function promptParams(
  { provider, client }: Connection,
  ask: LoginRequest['ask'],
  configured: string | undefined,
): Promise<Record<string, string>> {
  if (ask === undefined) return {}
  const { reauthenticate, selectAccount, requestConsent, promptValues } = provider
  const params =
    { login: reauthenticate, account: selectAccount, scopes: requestConsent }[ask] ?? {}
  const { prompt: wanted, ...others } = params
  if (wanted === undefined) return params
  const { prompts: listed } = await client.supported()
  const prompt = supportedPrompt(wanted, listed.length > 0 ? listed : promptValues)
  return prompt === undefined ? others : { ...others, prompt: mergePrompts(configured, prompt) }
}

/** Each of these lets the user sign in with another account. */
const SIGN_IN_PROMPTS = ['select_account', 'login']

/**
 * The values of `prompt` that the provider supports: it may reject requests with any other. (OpenID
 * Connect Core, 3.1.2.1)
 */
function supportedPrompt(
  wanted: string,
  supported: readonly string[] | undefined,
): string | undefined {
  if (supported === undefined) return wanted
  const prompts = wanted.split(' ').flatMap((prompt) => {
    if (supported.includes(prompt)) return prompt
    const alternatives = SIGN_IN_PROMPTS.includes(prompt) ? SIGN_IN_PROMPTS : []
    return alternatives.find((other) => supported.includes(other)) ?? []
  })
  return prompts.length > 0 ? prompts.join(' ') : undefined
}
