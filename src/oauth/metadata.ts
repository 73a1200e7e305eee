import { ProviderError } from '../http/errors.js'
import { isAllowedUrl } from '../http/origin.js'
import { isObject } from '../http/json.js'
import { type KeySet, type SigningKey, signingAlgorithms } from './id-token.js'
import { type ProviderFetch, readJson } from './fetch.js'
import type { Endpoints, ProviderDefinition } from './definition.js'

/** What is known of a provider's server: from its definition, or discovered. (RFC 8414, 2) */
export interface ServerMetadata {
  issuer: string | undefined
  endpoints: Partial<Endpoints>
  algorithms: readonly string[]
  requiresPushedRequests: boolean
  pushedRequestEndpoint: string | undefined
  requiresIssuerInCallback: boolean
}

export interface ServerMetadataCache {
  metadata(deadline: AbortSignal): Promise<ServerMetadata>
  keySet(deadline: AbortSignal): KeySet
}

const REFRESH_AFTER = 3_600_000
const FORCED_REFRESH_AFTER = 60_000
const MAX_JWKS_BYTES = 1024 * 1024

type MetadataConfig = Pick<
  ProviderDefinition,
  'openid' | 'issuer' | 'endpoints' | 'discoveryIssuer' | 'needsDiscovery' | 'acceptsDiscovery'
>

/**
 * Discovery and keys: fetched when first needed and again after an hour, shared by all who wait, served stale while the
 * provider is down; a failure is never kept.
 */
export function createServerMetadataCache(
  config: MetadataConfig,
  outbound: ProviderFetch,
): ServerMetadataCache {
  const known = config.endpoints ?? {}
  const isComplete =
    config.needsDiscovery !== true &&
    known.authorization !== undefined &&
    known.token !== undefined &&
    (!config.openid || known.jwks !== undefined)
  const fixed: ServerMetadata = {
    issuer: config.issuer,
    endpoints: known,
    algorithms: ['RS256'],
    requiresPushedRequests: false,
    pushedRequestEndpoint: undefined,
    requiresIssuerInCallback: false,
  }

  const discovery = createCached(async (deadline) => {
    const answer = await getJson(
      outbound,
      discoveryUrl(config.discoveryIssuer?.(config.issuer ?? '') ?? config.issuer ?? ''),
      deadline,
    )
    return readDiscovery(answer, config)
  })
  const metadata = (deadline: AbortSignal) =>
    isComplete ? Promise.resolve(fixed) : discovery.get(deadline)

  const jwks = createCached(async (deadline): Promise<readonly SigningKey[]> => {
    const { endpoints } = await metadata(deadline)
    if (endpoints.jwks === undefined) throw unusable('the provider has no jwks_uri')
    const answer = await getJson(outbound, endpoints.jwks, deadline, MAX_JWKS_BYTES)
    if (!isObject(answer) || !Array.isArray(answer['keys']))
      throw unusable("the provider's key set is malformed")
    return answer['keys'].filter(isObject).map((jwk) => ({ jwk, imported: new Map() }))
  })

  return {
    metadata,
    keySet: (deadline) => ({
      keys: () => jwks.get(deadline),
      refresh: () => jwks.refresh(deadline),
    }),
  }
}

/** One value, fetched once for all who wait; a stale one is served while it is fetched again. */
function createCached<T>(fetchValue: (deadline: AbortSignal) => Promise<T>) {
  let value: { of: T; at: number } | undefined
  let pending: Promise<T> | undefined
  let forcedAt = Number.NEGATIVE_INFINITY

  const load = (deadline: AbortSignal): Promise<T> => {
    pending ??= fetchValue(deadline)
      .then((of) => {
        value = { of, at: Date.now() }
        return of
      })
      .finally(() => {
        pending = undefined
      })
    return pending
  }
  return {
    async get(deadline: AbortSignal): Promise<T> {
      if (value === undefined) return load(deadline)
      const age = Date.now() - value.at
      if (age > REFRESH_AFTER || age < 0) load(AbortSignal.timeout(10_000)).catch(() => undefined)
      return value.of
    },
    async refresh(deadline: AbortSignal): Promise<boolean> {
      const now = Date.now()
      if (now - forcedAt < FORCED_REFRESH_AFTER && now >= forcedAt) return false
      forcedAt = now
      return load(deadline).then(
        () => true,
        () => false,
      )
    },
  }
}

/** OpenID Connect Discovery 1.0, 4.1. */
function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
}

async function getJson(
  outbound: ProviderFetch,
  url: string,
  deadline: AbortSignal,
  maxBytes?: number,
): Promise<unknown> {
  const headers = new Headers({ accept: 'application/json', 'user-agent': 'oauth-module' })
  const response = await outbound(url, { headers, deadline, maxBytes })
  if (response.status === 200) return readJson(response)
  throw new ProviderError('down', 'provider_error', {
    hint: `${url} answered with status ${response.status}`,
  })
}

function unusable(hint: string): ProviderError {
  return new ProviderError('down', 'provider_error', { hint })
}

function readDiscovery(answer: unknown, config: MetadataConfig): ServerMetadata {
  if (!isObject(answer)) throw unusable('the discovery document is no JSON object')
  const asked = config.issuer ?? ''
  const issuer = answer['issuer']
  const accepts = config.acceptsDiscovery ?? ((found: string) => found === asked)
  if (typeof issuer !== 'string' || !accepts(issuer, asked)) {
    throw new ProviderError('owner', 'misconfigured', {
      hint: `the discovery document is of the issuer ${JSON.stringify(issuer)?.slice(0, 200)}, not of ${JSON.stringify(asked)}: set the option issuer to exactly the issuer of the document`,
    })
  }
  const endpoint = (name: string, member: string, isNeeded: boolean): Partial<Endpoints> => {
    const value = answer[member]
    if (value === undefined && !isNeeded) return {}
    if (value === undefined)
      throw new ProviderError('owner', 'misconfigured', {
        hint: `the discovery document has no ${member}`,
      })
    if (typeof value !== 'string' || !isAllowedUrl(value))
      throw unusable(`the discovery document has a ${member} that is not https`)
    return { [name]: value }
  }
  const algorithms = answer['id_token_signing_alg_values_supported']
  const advertised = Array.isArray(algorithms) ? algorithms : ['RS256']
  const pushed = endpoint(
    'token',
    'pushed_authorization_request_endpoint',
    answer['require_pushed_authorization_requests'] === true,
  )
  return {
    issuer,
    endpoints: {
      ...endpoint('authorization', 'authorization_endpoint', true),
      ...endpoint('token', 'token_endpoint', true),
      ...endpoint('jwks', 'jwks_uri', config.openid),
      ...endpoint('userinfo', 'userinfo_endpoint', false),
      ...endpoint('revocation', 'revocation_endpoint', false),
      ...endpoint('endSession', 'end_session_endpoint', false),
      ...config.endpoints,
    },
    algorithms: signingAlgorithms.filter((one) => advertised.includes(one)),
    requiresPushedRequests: answer['require_pushed_authorization_requests'] === true,
    pushedRequestEndpoint: pushed.token,
    requiresIssuerInCallback: answer['authorization_response_iss_parameter_supported'] === true,
  }
}
