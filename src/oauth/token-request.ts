import type * as OpenidClient from 'openid-client'
import { ProviderError } from '../http/errors.js'
import { isObject, isTooDeep, parseJson } from '../http/json.js'
import { asString } from './claims.js'
import type { ClientConfig } from './client-config.js'
import type { ClientRequest } from './client-request.js'
import type { ProviderFetch } from './fetch.js'
import { type IdTokenExpectations, verifyIdToken } from './id-token.js'
import type { Claims } from './identity.js'
import { jwtExpectations } from './jwt.js'
import type { ServerMetadataCache } from './metadata.js'
import { loadOpenidClient } from './libraries.js'
import { configureOpenidClient, rethrow } from './openid-client.js'
import { readText } from './response-body.js'
import { tokenEndpointError } from './token-errors.js'
import { parseTokenResponse, type TokenResponse } from './token-response.js'

/** A verified token response. (RFC 6749, 5.1; OpenID Connect Core, 3.1.3.3) */
export interface TokenSet {
  accessToken: string
  refreshToken: string | undefined
  idToken: string | undefined
  /** Claims of the ID token; `undefined` without one. */
  claims: Claims | undefined
  /** `undefined` if the response has no `scope`: then the requested scopes were granted. */
  scopes: readonly string[] | undefined
  /** Expiry of the access token in milliseconds; `undefined` if unknown. */
  expiresAt: number | undefined
  /** The response as received, with the vendor's own members. */
  response: Claims
}

/** The tokens of a response whose ID token is not verified yet. */
export type UnverifiedTokens = Pick<
  TokenSet,
  'accessToken' | 'refreshToken' | 'idToken' | 'expiresAt'
>

/** One token request, and what its response must match. */
export interface TokenRequest {
  config: ClientConfig
  server: ServerMetadataCache
  fetch: ProviderFetch
  deadline: AbortSignal
  /** The address of a client that has not logged in yet. */
  address?: string | undefined
  /** Sends one grant with openid-client. */
  send(oidc: typeof OpenidClient, configuration: OpenidClient.Configuration): Promise<unknown>
  /**
   * What the ID token must match. Default: no `nonce`, as at a refresh. (OpenID Connect Core, 12.2)
   */
  expected?: Pick<IdTokenExpectations, 'nonce' | 'requiresNonce' | 'authenticatedSince'>
  /**
   * The scopes of the authorization request. With `openid`, a response without an ID token is
   * rejected.
   */
  requestedScopes?: readonly string[]
  /** Called before the ID token is verified: from now on the old refresh token may be invalid. */
  onTokens?: ((tokens: UnverifiedTokens) => void) | undefined
}

/** Sends one grant to the token endpoint and verifies the response. */
export async function requestTokens(request: TokenRequest): Promise<TokenSet> {
  const { plain, idToken, scopes, raw } = await sendGrant(request)
  const tokens = {
    accessToken: plain.access_token,
    refreshToken: plain.refresh_token,
    expiresAt: plain.expires_in === undefined ? undefined : Date.now() + plain.expires_in * 1000,
  }
  request.onTokens?.({ ...tokens, idToken: undefined })
  const claims = await verifiedClaims(request, idToken, tokens.accessToken)
  return {
    ...tokens,
    idToken: claims === undefined ? undefined : String(idToken),
    claims,
    scopes,
    response: raw,
  }
}

/** Our own code reads the response before openid-client, which must not verify the ID token. */
async function sendGrant(request: TokenRequest): Promise<TokenResponse> {
  const { config, server, fetch, deadline } = request
  const metadata = await server.metadata(deadline)
  const oidc = await loadOpenidClient()
  let tokens: TokenResponse | undefined
  const configuration = await configureOpenidClient(oidc, {
    config,
    metadata,
    fetch,
    deadline,
    address: request.address,
    requestedScopes: request.requestedScopes,
    async readTokens(response, sent) {
      tokens = await readTokenResponse(response, sent)
      return Response.json(tokens.plain)
    },
  })
  await request.send(oidc, configuration).catch(rethrow)
  if (tokens === undefined)
    throw new ProviderError('unusable', 'provider_error', { hint: 'there is no token response' })
  return tokens
}

async function verifiedClaims(
  { config, server, deadline, expected, requestedScopes = [] }: TokenRequest,
  idToken: unknown,
  accessToken: string,
): Promise<Claims | undefined> {
  if (!config.openid) return undefined
  if (idToken !== undefined)
    return verifyIdToken(idToken, server.keySource(deadline), {
      ...jwtExpectations(config, await server.metadata(deadline)),
      ...(expected ?? { nonce: undefined, requiresNonce: false }),
      accessToken,
    })
  if (requestedScopes.includes('openid'))
    throw new ProviderError('unusable', 'provider_error', {
      hint: 'the token response has no id_token: does the provider support OpenID Connect?',
    })
  return undefined
}

async function readTokenResponse(
  response: Response,
  request: ClientRequest,
): Promise<TokenResponse> {
  const { ok, status, headers } = response
  const body = parseTokenBody(await readText(response))
  if (!ok || !isObject(body) || hasError(body))
    throw tokenEndpointError({ status, headers, body }, request)
  return parseTokenResponse(request.config.normalizeTokens?.(body) ?? body)
}

/**
 * JSON, or the form with which older OAuth 2.0 servers respond, GitHub among them. The content type
 * may be wrong.
 */
function parseTokenBody(text: string | undefined): unknown {
  const json = parseJson(text)
  if (json !== undefined) return isTooDeep(json) ? undefined : json
  if (text === undefined || !/^[a-z_]+=/i.test(text)) return undefined
  const form = new URLSearchParams(text)
  return form.has('access_token') || form.has('error') ? Object.fromEntries(form) : undefined
}

/**
 * GitHub reports errors with status 200.
 * https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps
 */
function hasError({ error }: Record<string, unknown>): boolean {
  return asString(error) !== undefined || isObject(error)
}
