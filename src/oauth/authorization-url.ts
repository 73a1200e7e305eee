import { createCache } from '../http/create-cache.js'
import { loadOpenidClient } from './libraries.js'
import { configureOpenidClient, type OpenidClientSetup, rethrow } from './openid-client.js'

/**
 * URL of an authorization request. The parameters replace those in the query of the endpoint: none may
 * be repeated. (RFC 6749, 3.1 and 4.1.1)
 */
export function authorizationUrl(
  endpoint: string | undefined,
  params: Readonly<Record<string, string>>,
): string {
  const { base, fixed } = splitEndpoint(endpoint ?? '')
  return `${base}?${new URLSearchParams({ ...fixed, ...params }).toString()}`
}

interface SplitEndpoint {
  readonly base: string
  readonly fixed: Readonly<Record<string, string>>
}

const splitEndpoints = createCache<SplitEndpoint>({ max: 100 })

/** Parses an endpoint once. */
function splitEndpoint(endpoint: string): SplitEndpoint {
  const known = splitEndpoints.get(endpoint)
  if (known !== undefined) return known
  const url = new URL(endpoint)
  const fixed = Object.fromEntries(url.searchParams)
  url.search = ''
  url.hash = ''
  const split = { base: url.href, fixed }
  splitEndpoints.set(endpoint, split)
  return split
}

/** URL of an authorization request that was pushed to the provider. (RFC 9126, 4) */
export async function pushedAuthorizationUrl(
  setup: OpenidClientSetup,
  params: Readonly<Record<string, string>>,
): Promise<string> {
  const oidc = await loadOpenidClient()
  const configuration = await configureOpenidClient(oidc, setup)
  const url = await oidc.buildAuthorizationUrlWithPAR(configuration, { ...params }).catch(rethrow)
  return withoutRepeatedParams(url)
}

function withoutRepeatedParams(url: URL): string {
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name)
    if (values.length > 1) url.searchParams.set(name, values.at(-1) ?? '')
  }
  return url.href
}
