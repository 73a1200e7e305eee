import { ProviderError } from '../http/errors.js'
import { isObject, withoutNull } from '../http/json.js'
import { asStrings, isTrue } from './claims.js'
import type { ProviderDefinition } from './definition.js'
import { readUrl } from './discovery-url.js'
import type { Endpoints } from './endpoints.js'
import { issuerFix } from './issuer-hints.js'
import { listedAlgorithms, PUBLIC_KEY_ALGORITHMS } from './signing-algorithms.js'

/**
 * Metadata of a provider's authorization server, discovered or from its definition. (RFC 8414, 2)
 */
export interface ServerMetadata {
  issuer: string | undefined
  endpoints: Partial<Endpoints>
  /**
   * Methods of client authentication that discovery lists; empty if it lists none. (RFC 8414, 2)
   */
  clientAuthMethods: readonly string[]
  /** Scopes that discovery lists; empty if it lists none. (RFC 8414, 2) */
  scopes: readonly string[]
  /** Values of `prompt` that discovery lists; empty if it lists none. */
  prompts: readonly string[]
  /** Algorithms of ID tokens. */
  algorithms: readonly string[]
  /** Algorithms of signed userinfo. */
  userinfoAlgorithms: readonly string[]
  /** Pushed authorization requests. (RFC 9126, 5) */
  requiresPushedRequests: boolean
  pushedRequestEndpoint: string | undefined
  /** Whether callbacks must have `iss`. (RFC 9207, 3) */
  requiresIssuerInCallback: boolean
  introspection: IntrospectionMetadata
}

/** Where and how access tokens are introspected. (RFC 8414, 2) */
export interface IntrospectionMetadata {
  endpoint: string | undefined
  /** Methods of client authentication there; empty if discovery lists none. */
  clientAuthMethods: readonly string[]
}

/** The members of a definition that determine its server metadata. */
export type MetadataConfig = Pick<
  ProviderDefinition,
  'openid' | 'issuer' | 'endpoints' | 'discoveryIssuer' | 'needsDiscovery' | 'acceptsDiscovery'
> & {
  signingAlgorithms?: readonly string[] | undefined
  insecureHttp?: boolean | undefined
  /** Only access tokens of this issuer are verified: it needs keys, and no login starts there. */
  isTokenIssuer?: boolean | undefined
}

/** The metadata that a definition contains, or `undefined` if the provider needs discovery. */
export function knownMetadata(config: MetadataConfig): ServerMetadata | undefined {
  const { issuer, endpoints = {}, needsDiscovery } = config
  const isComplete = requiredEndpoints(config).every((name) => endpoints[name] !== undefined)
  if (!isComplete || needsDiscovery === true) return undefined
  return {
    issuer,
    endpoints,
    clientAuthMethods: [],
    algorithms: PUBLIC_KEY_ALGORITHMS,
    userinfoAlgorithms: PUBLIC_KEY_ALGORITHMS,
    scopes: [],
    prompts: [],
    requiresPushedRequests: false,
    pushedRequestEndpoint: undefined,
    requiresIssuerInCallback: false,
    introspection: { endpoint: undefined, clientAuthMethods: [] },
  }
}

function requiredEndpoints(config: MetadataConfig): readonly (keyof typeof endpointMembers)[] {
  if (config.isTokenIssuer === true) return ['jwks']
  return ['authorization', 'token', ...(needsKeys(config) ? (['jwks'] as const) : [])]
}

/** Whether ID tokens are verified with a key set. The key of `HS256` is the client secret. */
function needsKeys({ openid, signingAlgorithms }: MetadataConfig): boolean {
  return openid && signingAlgorithms?.every((algorithm) => algorithm === 'HS256') !== true
}

/** Appended to the issuer. (OpenID Connect Discovery 1.0, 4) */
export const DISCOVERY_PATH = '/.well-known/openid-configuration'

/** Inserted between host and path of an issuer without OpenID Connect. (RFC 8414, 3) */
const OAUTH_PATH = '/.well-known/oauth-authorization-server'

/** URL of the metadata of an authorization server without OpenID Connect. (RFC 8414, 3.1) */
export function oauthMetadataUrl({ issuer = '' }: MetadataConfig): string {
  const { origin, pathname } = new URL(issuer)
  return `${origin}${OAUTH_PATH}${pathname === '/' ? '' : pathname}`
}

/** URL of the discovery document. (OpenID Connect Discovery 1.0, 4.1) */
export function discoveryUrl({ issuer = '', discoveryIssuer }: MetadataConfig): string {
  const base = discoveryIssuer?.(issuer) ?? issuer
  return `${base.replace(/\/$/, '')}${DISCOVERY_PATH}`
}

/** Validates a discovery document. (OpenID Connect Discovery 1.0, 4.2 and 4.3) */
export function parseDiscovery(response: unknown, config: MetadataConfig): ServerMetadata {
  if (!isObject(response))
    throw new ProviderError('unusable', 'provider_error', {
      hint: 'the discovery document is not a JSON object',
    })
  const document = withoutNull(response)
  const issuer = checkIssuer(document['issuer'], config)
  const requiresPushedRequests = isTrue(document['require_pushed_authorization_requests'])
  const algorithms = listedAlgorithms(document['id_token_signing_alg_values_supported'])
  const userinfo = document['userinfo_signing_alg_values_supported']
  return {
    issuer,
    endpoints: readEndpoints(document, config),
    clientAuthMethods: asStrings(document['token_endpoint_auth_methods_supported']),
    algorithms,
    userinfoAlgorithms:
      userinfo === undefined ? algorithms : [...algorithms, ...listedAlgorithms(userinfo)],
    scopes: asStrings(document['scopes_supported']),
    // https://openid.net/specs/openid-connect-prompt-create-1_0.html#section-4.2
    prompts: asStrings(document['prompt_values_supported']),
    requiresPushedRequests,
    pushedRequestEndpoint: readUrl(document, 'pushed_authorization_request_endpoint', {
      isRequired: requiresPushedRequests,
      insecureHttp: config.insecureHttp,
    }),
    requiresIssuerInCallback: isTrue(document['authorization_response_iss_parameter_supported']),
    introspection: introspectionOf(document, config),
  }
}

/** Without a list of its own, the methods are those of the token endpoint. (RFC 8414, 2) */
function introspectionOf(
  document: Record<string, unknown>,
  { isTokenIssuer, insecureHttp }: MetadataConfig,
): IntrospectionMetadata {
  const methods =
    document['introspection_endpoint_auth_methods_supported'] ??
    document['token_endpoint_auth_methods_supported']
  return {
    // A login does not need it, so a malformed one must not prevent any.
    endpoint:
      isTokenIssuer === true
        ? readUrl(document, 'introspection_endpoint', { isRequired: false, insecureHttp })
        : undefined,
    clientAuthMethods: asStrings(methods),
  }
}

/** Metadata of another issuer would let that issuer sign in users of the app. (RFC 8414, 3.3) */
function checkIssuer(
  issuer: unknown,
  { issuer: expected = '', acceptsDiscovery }: MetadataConfig,
): string {
  const isAccepted = (discovered: string) =>
    acceptsDiscovery?.(discovered, expected) ?? discovered === expected
  if (typeof issuer === 'string' && isAccepted(issuer)) return issuer
  const fix = acceptsDiscovery ? 'are tenant and endpoints right?' : issuerFix(issuer, expected)
  throw new ProviderError('owner', 'misconfigured', {
    hint: `the discovery document has the issuer ${JSON.stringify(issuer)?.slice(0, 200)} instead of ${JSON.stringify(expected)}: ${fix}`,
  })
}

/** The member of the document for each endpoint. (RFC 8414, 2) */
const endpointMembers = {
  authorization: 'authorization_endpoint',
  token: 'token_endpoint',
  jwks: 'jwks_uri',
  userinfo: 'userinfo_endpoint',
  revocation: 'revocation_endpoint',
  endSession: 'end_session_endpoint',
} as const satisfies Partial<Record<keyof Endpoints, string>>

const endpointNames = Object.keys(endpointMembers) as (keyof typeof endpointMembers)[]

/** The configured endpoints, and those of the document for all others. */
function readEndpoints(
  document: Record<string, unknown>,
  config: MetadataConfig,
): Partial<Endpoints> {
  const { endpoints: configured = {}, insecureHttp } = config
  const { isTokenIssuer } = config
  // An issuer of opaque tokens has no keys.
  const required = isTokenIssuer === true ? [] : requiredEndpoints(config)
  const names = isTokenIssuer === true ? requiredEndpoints(config) : endpointNames
  const discovered = names
    .filter((name) => configured[name] === undefined)
    .map((name): [string, string | undefined] => {
      const isRequired = required.includes(name)
      return [name, readUrl(document, endpointMembers[name], { isRequired, insecureHttp })]
    })
  return { ...Object.fromEntries(discovered.filter(([, url]) => url !== undefined)), ...configured }
}
