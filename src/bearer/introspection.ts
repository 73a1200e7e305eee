import { ProviderError } from '../http/errors.js'
import { isObject, withoutNull } from '../http/json.js'
import { clientAuthMethod, formEncode } from '../oauth/client-auth.js'
import type { IntrospectionMetadata } from '../oauth/discovery.js'
import type { Claims } from '../oauth/identity.js'
import { outcomeOfFailure, providerError, throttled } from '../oauth/provider-errors.js'
import { readJson } from '../oauth/response-body.js'

/** How an issuer checks opaque tokens. */
export interface IntrospectionConfig {
  /** Google's tokeninfo endpoint, which is older than RFC 7662. */
  readonly isGoogle: boolean
  readonly endpoint: string | undefined
  readonly clientId: string
  readonly clientSecret: string
  readonly clientAuth: 'post' | 'basic' | undefined
}

interface IntrospectionRequest {
  readonly url: string
  readonly method: 'POST'
  readonly headers: Headers
  readonly body?: string
}

/** https://developers.google.com/identity/protocols/oauth2/openid-connect */
const GOOGLE_ENDPOINT = 'https://oauth2.googleapis.com/tokeninfo'

/** Whether the request can be sent only once the metadata of the issuer is known. */
export function needsMetadata({ endpoint, clientAuth, isGoogle }: IntrospectionConfig): boolean {
  return !isGoogle && (endpoint === undefined || clientAuth === undefined)
}

/** The request that checks a token. (RFC 7662, 2.1) */
export function introspectionRequest(
  token: string,
  config: IntrospectionConfig,
  metadata: IntrospectionMetadata,
): IntrospectionRequest {
  const headers = new Headers({ accept: 'application/json', 'user-agent': 'oauth-module' })
  headers.set('content-type', 'application/x-www-form-urlencoded')
  if (config.isGoogle) {
    // Not in the query: proxies would log it.
    headers.set('authorization', `Bearer ${token}`)
    return { url: config.endpoint ?? GOOGLE_ENDPOINT, method: 'POST', headers }
  }
  const { endpoint = metadata.endpoint, clientId, clientSecret } = config
  if (endpoint === undefined)
    throw new ProviderError('owner', 'misconfigured', {
      hint: 'the server metadata has no introspection_endpoint: set introspection.endpoint',
    })
  const body = new URLSearchParams({ token, token_type_hint: 'access_token' })
  if (clientAuthMethod(config, metadata) === 'basic') {
    const credentials = `${formEncode(clientId)}:${formEncode(clientSecret)}`
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
  } else {
    body.set('client_id', clientId)
    body.set('client_secret', clientSecret)
  }
  return { url: endpoint, method: 'POST', headers, body: body.toString() }
}

/** The claims of an active token; `undefined` for any other. (RFC 7662, 2.2) */
export async function readIntrospection(
  response: Response,
  { isGoogle }: IntrospectionConfig,
): Promise<Claims | undefined> {
  const { status, headers, ok } = response
  const body = await readJson(response)
  if (isGoogle && status === 400) return undefined
  const hint = `the introspection endpoint responded with status ${status}`
  if (status === 429) throw throttled({ status, headers, body }, hint)
  if (status === 400 || status === 401 || status === 403)
    throw providerError(
      'owner',
      `${hint}: check clientId, clientSecret and clientAuth of introspection, and whether the client may introspect`,
    )
  if (!ok) throw providerError(outcomeOfFailure(status), hint)
  if (!isObject(body))
    throw providerError('unusable', 'the introspection endpoint did not return a JSON object')
  const { active, ...claims } = withoutNull(body)
  if (!isGoogle && active !== true) return undefined
  return { ...claims, ...timesOf(claims) }
}

/** Google returns times as strings. */
function timesOf(claims: Claims): Claims {
  const entries = ['exp', 'iat', 'nbf'].flatMap((name) => {
    const value = claims[name]
    return typeof value === 'string' && /^\d{1,12}$/.test(value) ? [[name, Number(value)]] : []
  })
  return Object.fromEntries(entries) as Claims
}
