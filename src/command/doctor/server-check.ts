import { OAuthError } from '../../http/errors.js'
import type { MetadataConfig, ServerMetadata } from '../../oauth/discovery.js'
import { ProviderFetch } from '../../oauth/fetch.js'
import type { KeySource } from '../../oauth/jwt.js'
import { ServerMetadataCache } from '../../oauth/metadata.js'
import { ProviderLog } from '../../oauth/provider-log.js'
import { certificateProblems } from './certificate.js'
import { divide, error, type Problem } from './finding.js'
import { as, codeIn, networkProblem, type Subject } from './network.js'
import { probe } from './probe.js'
import { unique } from './unique.js'

/** An authorization server to check: that of a provider, or an issuer of access tokens. */
export interface CheckedServer extends MetadataConfig {
  readonly name: string
  /** The options of this server, as in "bearer.issuers[0]."; empty for those of a provider. */
  readonly optionPrefix: string
  readonly timeoutMs: number
  /** Seconds. */
  readonly clockTolerance: number
}

/** What is known of a server, and what is wrong with it. */
export interface ServerResult {
  readonly problems: Problem[]
  /** `undefined` if discovery failed. */
  readonly metadata: ServerMetadata | undefined
  /** Whether this machine reaches the token endpoint: otherwise more requests are useless. */
  readonly isReachable: boolean
}

/** Checks the keys of a server. */
type KeysCheck = (metadata: ServerMetadata, keySource: KeySource) => Promise<Problem[]>

/** A logger of checks whose findings are printed. */
export const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined }

/** Whether a server can be reached, its metadata and keys are usable, and its clock agrees. */
export async function checkServer(
  server: CheckedServer,
  checkKeys: KeysCheck,
): Promise<ServerResult> {
  const { timeoutMs, issuer = '' } = server
  const log = new ProviderLog(server.name, SILENT)
  const cache = new ServerMetadataCache(server, new ProviderFetch(), log, () => undefined)
  const metadata = await cache.metadata(AbortSignal.timeout(timeoutMs)).catch((thrown: unknown) => {
    return { failure: thrown }
  })
  if ('failure' in metadata) {
    const certificates = await certificateProblems(issuer, 'the issuer').catch(() => [])
    const problems = [...certificates, discoveryProblem(metadata.failure, server)]
    return { problems: unique(problems), metadata: undefined, isReachable: false }
  }
  const [endpoints, keys] = await Promise.all([
    checkEndpoints(server, metadata),
    checkKeys(metadata, cache.keySource(AbortSignal.timeout(timeoutMs))),
  ])
  const problems = unique([...endpoints.problems, ...keys])
  return { problems, metadata, isReachable: endpoints.isReachable }
}

function discoveryProblem(thrown: unknown, { issuer = '', optionPrefix }: CheckedServer): Problem {
  if (isUnreachable(thrown))
    return networkProblem(thrown, issuer, { what: 'the issuer', option: `${optionPrefix}issuer` })
  const hint = thrown instanceof OAuthError ? thrown.hint : undefined
  const { problem, fix } = divide(hint ?? 'the discovery document cannot be read')
  const code = /^the discovery document has the issuer/.test(problem)
    ? 'issuer_mismatch'
    : 'discovery_invalid'
  return error(code, problem, fix ?? `check the option ${optionPrefix}issuer, or set endpoints`)
}

/** Whether there was no response. */
export function isUnreachable(thrown: unknown): boolean {
  return (
    codeIn(thrown) !== undefined ||
    (thrown instanceof OAuthError &&
      ['provider_timeout', 'provider_unreachable'].includes(thrown.code))
  )
}

/** The endpoints that this process requests. Browsers request the authorization endpoint. */
const SERVER_ENDPOINTS = ['token', 'userinfo', 'api', 'jwks'] as const

async function checkEndpoints(
  server: CheckedServer,
  { endpoints }: ServerMetadata,
): Promise<Pick<ServerResult, 'problems' | 'isReachable'>> {
  const byOrigin = new Map<string, { url: string; subject: Subject }>()
  for (const name of SERVER_ENDPOINTS) {
    const url = endpoints[name]
    if (url === undefined || byOrigin.has(new URL(url).origin)) continue
    const what = name === 'api' ? 'the API' : `the ${name} endpoint`
    byOrigin.set(new URL(url).origin, {
      url,
      subject: { what, option: `${server.optionPrefix}endpoints.${name}` },
    })
  }
  const results = await Promise.all(
    [...byOrigin.values()].map(async ({ url, subject }) => ({
      certificates: await certificateProblems(url, subject.what),
      probed: await probe(url, { timeoutMs: server.timeoutMs }),
      ...{ url, subject },
    })),
  )
  const problems = results.flatMap(({ certificates, probed, url, subject }) => [
    ...certificates,
    ...(probed.failure === undefined
      ? clockProblems(server, probed.clockOffsetMs)
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
function clockProblems(
  { clockTolerance }: CheckedServer,
  clockOffsetMs: number | undefined,
): Problem[] {
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
