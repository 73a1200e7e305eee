import { OAuthError } from '../http/errors.js'
import { redirect } from '../http/response.js'
import type { GateRequest } from '../http/gate-request.js'
import { isLoopback } from '../http/origin.js'
import type { ProviderClient } from '../oauth/client.js'
import type { Transactions } from '../oauth/transaction.js'
import type { Mounts } from '../http/mounts.js'
import { type Provider } from '../access/provider.js'
import type { Responder } from '../pages/respond.js'
import type { LoginLoopDetector } from './login-loop.js'
import type { Links, LoginRequest } from './links.js'

/** A provider of the configuration, with what talks to it. */
export interface Connection {
  readonly provider: Provider
  readonly client: ProviderClient
  /** The special path that takes this provider's answers. */
  readonly callbackName: string
}

export interface LoginConfig {
  connections: ReadonlyMap<string, Connection>
  transactions: Transactions
  links: Links
  landings: LoginLoopDetector
  mounts: Mounts
  responder: Responder
  publicUrl: { readonly origin: string } | undefined
  /** Cookies without `Secure` were asked for: then http is fine anywhere. */
  allowsHttp: boolean
  /** Scopes that guards of single routes need to be answered. */
  guardScopes(provider: Provider): readonly string[]
  /** Called once with the address to register, where nobody configured it. */
  onRedirectUri(redirectUri: string): void
}

export interface Login {
  /** Sends a visitor without a session to the provider, or to the sign-in page where there are several. */
  start(request: GateRequest, loginRequest: LoginRequest): Promise<void>
  /** `/auth/authn` */
  authn(request: GateRequest, query: URLSearchParams): Promise<void>
}

export function createLogin(config: LoginConfig): Login {
  const {
    connections,
    transactions,
    links,
    landings: loginLoop,
    mounts,
    responder,
    publicUrl,
    allowsHttp,
  } = config
  const [only] = connections.size === 1 ? connections.values() : []

  /** A login must begin where the callback will come back to: the cookie lives on one host. */
  const mustMove = ({ req }: GateRequest, loginRequest: LoginRequest) =>
    publicUrl !== undefined &&
    !loginRequest.isMoved &&
    req.headers.host !== undefined &&
    req.headers.host !== new URL(publicUrl.origin).host

  const begin = async (
    { req, res, mount, now }: GateRequest,
    loginRequest: LoginRequest,
    connection: Connection,
    query?: URLSearchParams,
  ) => {
    const { provider, client, callbackName } = connection
    const origin = mounts.origin(req)
    refuseHttp(origin, allowsHttp)
    const redirectUri = `${origin}${mounts.specialPath(mount, callbackName)}`
    config.onRedirectUri(redirectUri)
    const scopes = [
      ...new Set([
        ...provider.requestedScopes,
        ...config.guardScopes(provider),
        ...connectionScopes(provider, query),
        ...(loginRequest.keptScopes ?? []),
        ...(loginRequest.scopes ?? []),
      ]),
    ]
    const begun = transactions.start(res, req.headers.cookie, mount.transactionCookie, {
      provider: provider.name,
      clientId: provider.clientId,
      instance: mount.instance,
      redirectUri,
      returnPath: loginRequest.returnPath,
      scopes,
      demandedScopes: loginRequest.scopes ?? [],
      startedAt: now,
      reauthenticates: loginRequest.ask === 'login' && provider.forcesLogin === true,
      needsAuthTime: loginRequest.needsAuthTime === true,
      attempts: loginRequest.attempts ?? 0,
    })
    const url = await client.authorizationUrl({
      ...provider.authorizationParams,
      ...mappedParams(provider, query),
      ...mergePrompt(provider, loginRequest.ask),
      response_type: 'code',
      client_id: provider.clientId,
      redirect_uri: redirectUri,
      ...(scopes.length > 0 && { scope: scopes.join(provider.scopeSeparator ?? ' ') }),
      state: begun.state,
      ...(provider.openid && { nonce: begun.nonce }),
      ...(provider.pkce !== false && {
        code_challenge: begun.codeChallenge,
        code_challenge_method: 'S256',
      }),
    })
    redirect(res, url)
  }

  const start: Login['start'] = async (request, loginRequest) => {
    const { res, mount } = request
    loginLoop.check(request)
    if (mustMove(request, loginRequest))
      return redirect(
        res,
        `${publicUrl?.origin}${links.login(mount, { ...loginRequest, isMoved: true })}`,
      )
    if (only === undefined) return redirect(res, links.login(mount, loginRequest))
    return begin(request, loginRequest, only)
  }

  const showChoice = (request: GateRequest, loginRequest: LoginRequest, query: URLSearchParams) => {
    const buttons = [...connections.values()].map(({ provider }) => {
      const { name, label, iconUrl, color } = provider
      return {
        name,
        label,
        iconUrl,
        color,
        url:
          links.login(request.mount, { ...loginRequest, connection: name }) +
          carriedParams([provider], query),
      }
    })
    const json = {
      connections: buttons.map(({ name, label, url }) => ({ name, label, login_url: url })),
    }
    responder.page(request, json, (pages, nonce) => pages.signIn({ providers: buttons }, nonce))
  }

  return {
    start,
    async authn(request, query) {
      const { res, mount } = request
      // Without a link of ours this is an explicit login: anew, and to the start page. (S-013)
      const asked = links.open(mount, query) ?? {
        returnPath: links.safeReturn(mount, undefined),
        ask: 'login' as const,
      }
      const name = query.get('connection') ?? asked.connection
      const connection = name === null || name === undefined ? only : connections.get(name)
      if (name && connection === undefined)
        throw new OAuthError('not_found', { message: 'There is no login of this name.' })
      if (mustMove(request, asked)) {
        const carried = carriedParams(
          [...(connection ? [connection] : connections.values())].map(({ provider }) => provider),
          query,
        )
        return redirect(
          res,
          `${publicUrl?.origin}${links.login(mount, { ...asked, isMoved: true, connection: name ?? undefined })}${carried}`,
        )
      }
      return connection === undefined
        ? showChoice(request, asked, query)
        : begin(request, asked, connection, query)
    },
  }
}

/** Codes and cookies in the clear can be read by anyone on the way. */
function refuseHttp(origin: string, allowsHttp: boolean): void {
  const { protocol, hostname } = new URL(origin)
  if (protocol === 'https:' || isLoopback(hostname) || allowsHttp) return
  throw new OAuthError('misconfigured', {
    hint: `a login over plain http is refused on ${hostname}: serve it over https; behind a proxy set baseUrl or Express' "trust proxy"; to accept http set cookie.secure: false`,
  })
}

/** Values of query parameters that the configuration lets through; a repeated one is ambiguous and left out. */
function mappedParams(
  { authorizationParamsMap }: Provider,
  query: URLSearchParams | undefined,
): Record<string, string> {
  const entries = Object.entries(authorizationParamsMap).flatMap(
    ([name, from]): [string, string][] => {
      const [value, ...more] = query?.getAll(from) ?? []
      return value === undefined || more.length > 0 || value.length > 2048 ? [] : [[name, value]]
    },
  )
  return Object.fromEntries(entries)
}

/** What a login with one of these providers reads from the query, for a link that leads there. */
function carriedParams(providers: readonly Provider[], query: URLSearchParams): string {
  const names = new Set(
    providers.flatMap(({ authorizationParamsMap, connectionScopes }) => [
      ...Object.values(authorizationParamsMap),
      ...(connectionScopes.length > 0 ? ['connection_scope'] : []),
    ]),
  )
  const carried = new URLSearchParams(
    [...query].filter(([name, value]) => names.has(name) && value.length <= 2048),
  )
  return carried.size > 0 ? `&${carried}` : ''
}

/** `?connection_scope=`: those that the configuration allows. */
function connectionScopes(
  { connectionScopes: allowed, connectionScopeSeparator }: Provider,
  query: URLSearchParams | undefined,
): string[] {
  if (allowed.length === 0) return []
  const asked = (query?.getAll('connection_scope') ?? []).flatMap((value) =>
    value.split(connectionScopeSeparator),
  )
  return allowed.filter((scope) => asked.includes(scope))
}

/** One `prompt`, whatever several reasons ask for. */
function mergePrompt(provider: Provider, ask: LoginRequest['ask']): Record<string, string> {
  const { reauthenticate, selectAccount, requestConsent } = provider
  const asked =
    (ask === undefined
      ? undefined
      : { login: reauthenticate, account: selectAccount, scopes: requestConsent }[ask]) ?? {}
  const { prompt: always } = provider.authorizationParams
  if (asked['prompt'] === undefined || always === undefined) return asked
  // `none` stands alone. (OpenID Connect Core, 3.1.2.1)
  const prompts = [...always.split(' '), ...asked['prompt'].split(' ')].filter(
    (prompt) => prompt !== 'none',
  )
  return { ...asked, prompt: [...new Set(prompts)].join(' ') }
}
