import type { Provider } from '../../access/provider.js'
import { OAuthError } from '../../http/errors.js'
import type { ServerMetadata } from '../../oauth/discovery.js'
import { ProviderFetch } from '../../oauth/fetch.js'
import { ServerMetadataCache } from '../../oauth/metadata.js'
import { ProviderLog } from '../../oauth/provider-log.js'
import { certificateProblems } from './certificate.js'
import { divide, error, type Problem, warning } from './finding.js'
import { checkKeys } from './keys-check.js'
import { as, codeIn, networkProblem, type Subject } from './network.js'
import { probe } from './probe.js'
import { unique } from './unique.js'

/** What is known of a provider, and what is wrong with it. */
export interface CheckedProvider {
  readonly problems: Problem[]
  /** `undefined` if discovery failed. */
  readonly metadata: ServerMetadata | undefined
  /** Whether this machine reaches the token endpoint: otherwise more requests are useless. */
  readonly isReachable: boolean
}

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined }

/** Whether the provider can be reached, its metadata and keys are usable, and its clock agrees. */
export async function checkProvider(provider: Provider): Promise<CheckedProvider> {
  const { timeoutMs } = provider
  const log = new ProviderLog(provider.name, SILENT)
  const cache = new ServerMetadataCache(provider, new ProviderFetch(), log, () => undefined)
  const metadata = await cache.metadata(AbortSignal.timeout(timeoutMs)).catch((thrown: unknown) => {
    return { failure: thrown }
  })
  if ('failure' in metadata) {
    const { issuer = '' } = provider
    const certificates = await certificateProblems(issuer, 'the issuer').catch(() => [])
    const problems = [...certificates, discoveryProblem(metadata.failure, provider)]
    return { problems: unique(problems), metadata: undefined, isReachable: false }
  }
  const [endpoints, keys] = await Promise.all([
    checkEndpoints(provider, metadata),
    checkKeys(provider, metadata, cache.keySource(AbortSignal.timeout(timeoutMs))),
  ])
  const problems = unique([...endpoints.problems, ...keys])
  return { problems, metadata, isReachable: endpoints.isReachable }
}

function discoveryProblem(thrown: unknown, { issuer = '' }: Provider): Problem {
  if (codeIn(thrown) !== undefined || isUnreachable(thrown))
    return networkProblem(thrown, issuer, { what: 'the issuer', option: 'issuer' })
  const hint = thrown instanceof OAuthError ? thrown.hint : undefined
  const { problem, fix } = divide(hint ?? 'the discovery document cannot be read')
  const code = /^the discovery document has the issuer/.test(problem)
    ? 'issuer_mismatch'
    : 'discovery_invalid'
  return error(code, problem, fix ?? 'check the option issuer, or set endpoints')
}

function isUnreachable(thrown: unknown): boolean {
  return (
    thrown instanceof OAuthError &&
    ['provider_timeout', 'provider_unreachable'].includes(thrown.code)
  )
}

/** The endpoints that this process requests. Browsers request the authorization endpoint. */
const SERVER_ENDPOINTS = ['token', 'userinfo', 'api', 'jwks'] as const

async function checkEndpoints(
  provider: Provider,
  { endpoints }: ServerMetadata,
): Promise<Pick<CheckedProvider, 'problems' | 'isReachable'>> {
  const byOrigin = new Map<string, { url: string; subject: Subject }>()
  for (const name of SERVER_ENDPOINTS) {
    const url = endpoints[name]
    if (url === undefined || byOrigin.has(new URL(url).origin)) continue
    const what = name === 'api' ? 'the API' : `the ${name} endpoint`
    byOrigin.set(new URL(url).origin, { url, subject: { what, option: `endpoints.${name}` } })
  }
  const results = await Promise.all(
    [...byOrigin.values()].map(async ({ url, subject }) => ({
      certificates: await certificateProblems(url, subject.what),
      probed: await probe(url, { timeoutMs: provider.timeoutMs }),
      ...{ url, subject },
    })),
  )
  const problems = results.flatMap(({ certificates, probed, url, subject }) => [
    ...certificates,
    ...(probed.failure === undefined
      ? clockProblems(provider, probed.clockOffsetMs)
      : [networkProblem(probed.failure, url, subject)]),
  ])
  const isReachable = results[0] === undefined || results[0].probed.failure === undefined
  const authorization = await checkAuthorizationHost(endpoints.authorization, byOrigin)
  return { problems: [...problems, ...authorization], isReachable }
}

/** Browsers may reach it by a name that this machine does not have: only its certificate counts. */
async function checkAuthorizationHost(
  url: string | undefined,
  checked: ReadonlyMap<string, unknown>,
): Promise<Problem[]> {
  if (url === undefined || checked.has(new URL(url).origin)) return []
  const problems = await certificateProblems(url, 'the authorization endpoint')
  return problems.map((problem) => as('warning', problem))
}

/** `Date` has a resolution of one second. (RFC 9110, 6.6.1) */
function clockProblems({ clockTolerance }: Provider, clockOffsetMs: number | undefined): Problem[] {
  if (clockOffsetMs === undefined) return []
  const seconds = Math.round(clockOffsetMs / 1000)
  const distance = Math.abs(seconds)
  if (distance <= clockTolerance + 1) return []
  return [
    error(
      'clock_differs',
      `the clock of this machine is ${distance} s ${seconds > 0 ? 'behind' : 'ahead of'} that of the provider, and the tolerance is ${clockTolerance} s: tokens count as ${seconds > 0 ? 'issued in the future' : 'expired'}`,
      'synchronize the clock of this machine, as with `timedatectl set-ntp true`',
    ),
  ]
}

/** Scopes that the provider does not list as supported. It may reject them. (RFC 8414, 2) */
export function checkListedScopes(provider: Provider, { scopes }: ServerMetadata): Problem[] {
  const missing = provider.requestedScopes.filter((scope) => !scopes.includes(scope))
  return scopes.length === 0 || missing.length === 0
    ? []
    : [
        warning(
          'scopes_not_listed',
          `the provider does not list these scopes as supported: ${missing.join(' ')}`,
          'if logins fail, remove them from scopes, or allow them for this client at the provider',
        ),
      ]
}
