import type * as OpenidClient from 'openid-client'
import { OAuthError, ProviderError } from '../http/errors.js'
import { clientAuth, clientAuthMethod } from './client-auth.js'
import type { ClientConfig } from './client-config.js'
import type { ClientRequest } from './client-request.js'
import type { ServerMetadata } from './discovery.js'
import type { ProviderFetch } from './fetch.js'
import { readJson } from './response-body.js'
import { hasAuthorization, tokenEndpointError } from './token-errors.js'

/** What a configuration of openid-client is built from. */
export interface OpenidClientSetup {
  config: ClientConfig
  metadata: ServerMetadata
  fetch: ProviderFetch
  deadline: AbortSignal
  /** The address of a client that has not logged in yet. */
  address?: string | undefined
  /**
   * Reads the response of the token endpoint before openid-client does. What it throws reaches the
   * caller.
   */
  readTokens?: (response: Response, request: ClientRequest) => Promise<Response>
  /** The scopes of the authorization request, for the hint of an error. */
  requestedScopes?: readonly string[] | undefined
}

/**
 * Configures openid-client. It authenticates the client, and sends grants, revocations, and pushed
 * authorization requests. Discovery, callbacks and ID tokens are verified by our own code:
 * openid-client ties Microsoft's issuer `{tenantid}` to a host name, and does not support Google's
 * issuer without a scheme.
 */
export async function configureOpenidClient(
  oidc: typeof OpenidClient,
  setup: OpenidClientSetup,
): Promise<OpenidClient.Configuration> {
  const { config, metadata, readTokens } = setup
  // An Authorization header from the option `tokenHeaders` replaces client authentication. (RFC
  // 6749, 2.3)
  const authentication =
    readTokens && hasAuthorization(config)
      ? oidc.None()
      : await clientAuth(oidc, clientAuthMethod(config, metadata), config.clientSecret)
  const configuration = new oidc.Configuration(
    serverMetadata(metadata),
    config.clientId,
    undefined,
    authentication,
  )
  // Plain http is on loopback or permitted by `insecureHttp`: `isAllowedUrl` has checked all URLs.
  oidc.allowInsecureRequests(configuration)
  // The deadline of the whole exchange applies instead.
  configuration.timeout = 0
  configuration[oidc.customFetch] = createFetch(setup)
  return configuration
}

function serverMetadata({
  issuer,
  endpoints: { authorization, token, revocation },
  pushedRequestEndpoint,
}: ServerMetadata): OpenidClient.ServerMetadata {
  return {
    issuer: issuer ?? new URL(String(authorization)).origin,
    ...(authorization && { authorization_endpoint: authorization }),
    ...(token && { token_endpoint: token }),
    ...(revocation && { revocation_endpoint: revocation }),
    ...(pushedRequestEndpoint && { pushed_authorization_request_endpoint: pushedRequestEndpoint }),
  }
}

function createFetch(setup: OpenidClientSetup): OpenidClient.CustomFetch {
  const { config, metadata, fetch, deadline, address, readTokens } = setup
  return async (url, { method, headers: defaultHeaders, body }) => {
    const endpoint = endpointOf(url, metadata)
    const isTokenRequest = endpoint === 'token'
    const headers = new Headers(defaultHeaders)
    headers.set('user-agent', 'oauth-module')
    if (isTokenRequest)
      for (const [name, value] of Object.entries(config.tokenHeaders)) headers.set(name, value)
    const response = await fetch.fetch(url, {
      method,
      headers,
      body: body as RequestInit['body'],
      deadline,
      address,
    })
    const params = new URLSearchParams(body instanceof URLSearchParams ? body : '')
    const requestedScopes = params.get('scope')?.split(/[ ,]/) ?? setup.requestedScopes ?? []
    const request = { endpoint, config, metadata, params, headers, requestedScopes }
    if (isTokenRequest && readTokens) return readTokens(response, request)
    return normalized(response, request)
  }
}

/**
 * The response of another endpoint with the status and content type that openid-client requires;
 * servers send others for success. (RFC 9126, 2.2; RFC 7009, 2.2)
 */
async function normalized(response: Response, request: ClientRequest): Promise<Response> {
  const { ok, status, headers } = response
  const body = await readJson(response)
  if (!ok) throw tokenEndpointError({ status, headers, body }, request)
  return request.endpoint === 'revocation'
    ? new Response()
    : Response.json(body ?? null, { status: 201 })
}

function endpointOf(
  url: string,
  { endpoints, pushedRequestEndpoint }: ServerMetadata,
): ClientRequest['endpoint'] {
  const isAt = (endpoint: string | undefined) =>
    endpoint !== undefined && new URL(endpoint).href === url
  if (isAt(endpoints.token)) return 'token'
  return isAt(pushedRequestEndpoint) ? 'pushed authorization request' : 'revocation'
}

/** Rethrows our own errors, which openid-client wraps; its other errors are about the response. */
export function rethrow(error: unknown): never {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof OAuthError) throw cause
  throw new ProviderError('unusable', 'provider_error', {
    hint: error instanceof Error ? error.message : 'openid-client failed',
  })
}
