import { type IntrospectionConfig, needsMetadata } from '../../bearer/introspection.js'
import { IssuerClient } from '../../bearer/issuer-client.js'
import { metadataConfig } from '../../bearer/issuer-metadata.js'
import { OAuthError } from '../../http/errors.js'
import { randomId } from '../../http/ids.js'
import { introspectionsOf, issuerSettings } from '../../middleware/issuer-settings.js'
import type { KeySource } from '../../oauth/jwt.js'
import type { ServerMetadata } from '../../oauth/discovery.js'
import { PUBLIC_KEY_ALGORITHMS } from '../../oauth/signing-algorithms.js'
import type { Config } from '../../options/config.js'
import { divide, error, type Problem, warning } from './finding.js'
import { keysProblem } from './keys-check.js'
import { networkProblem } from './network.js'
import { checkServer, isUnreachable, SILENT } from './server-check.js'

/** One issuer of access tokens, to check. */
interface CheckedIssuer {
  readonly issuer: string
  /** As in "bearer.issuers[0].". */
  readonly optionPrefix: string
  readonly introspections: readonly IntrospectionConfig[]
}

/** The issuers of `bearer`, with the options that their findings name. */
export function checkedIssuers(config: Config): readonly CheckedIssuer[] {
  const issuers = (config.bearer?.issuers ?? []).map(({ issuer }) => issuer)
  return [...new Set(issuers)].map((issuer) => ({
    issuer,
    optionPrefix: `bearer.issuers[${issuers.indexOf(issuer)}].`,
    introspections: introspectionsOf(issuer, config),
  }))
}

/** Whether access tokens of an issuer can be verified: its keys, and its introspection endpoint. */
export async function checkIssuer(checked: CheckedIssuer, config: Config): Promise<Problem[]> {
  const { issuer, optionPrefix, introspections } = checked
  const settings = issuerSettings(issuer, config)
  const { problems, metadata } = await checkServer(
    {
      ...metadataConfig(settings),
      ...{ name: issuer, optionPrefix, timeoutMs: settings.timeoutMs },
      clockTolerance: config.clockToleranceMs / 1000,
    },
    (found, keySource) => checkKeys(found, keySource, checked),
  )
  // A server that only introspects needs no metadata.
  const isOptional = introspections.length > 0 && !introspections.some(needsMetadata)
  if (metadata === undefined && !isOptional) return problems
  const client = new IssuerClient(settings, SILENT)
  const results = await Promise.all(
    introspections.map((one) => checkIntrospection(client, one, metadata, checked)),
  )
  const isOpaque = metadata === undefined && problems.every(isAbsentMetadata)
  return [...(isOpaque ? [] : problems), ...results.flat()]
}

function isAbsentMetadata({ code }: Problem): boolean {
  return code === 'discovery_invalid'
}

async function checkKeys(
  { endpoints: { jwks } }: ServerMetadata,
  keySource: KeySource,
  { introspections, optionPrefix }: CheckedIssuer,
): Promise<Problem[]> {
  if (jwks === undefined)
    return introspections.length > 0
      ? []
      : [
          error(
            'keys_missing',
            'the metadata of this issuer has no jwks_uri, so that none of its tokens can be verified',
            `set ${optionPrefix}endpoints.jwks, or ${optionPrefix}introspection if its tokens are opaque`,
          ),
        ]
  try {
    const keys = await keySource.keys()
    if (PUBLIC_KEY_ALGORITHMS.some((algorithm) => keys.hasKeyFor(algorithm))) return []
    return [
      error(
        'no_signing_key',
        `the key set at ${jwks} has no key that can verify an access token`,
        `have the issuer sign access tokens with RS256 or ES256, or correct ${optionPrefix}endpoints.jwks`,
      ),
    ]
  } catch (thrown) {
    return [keysProblem(thrown, jwks, optionPrefix)]
  }
}

/** Asks about a token that does not exist: the response shows whether our client is accepted. */
async function checkIntrospection(
  client: IssuerClient,
  config: IntrospectionConfig,
  metadata: ServerMetadata | undefined,
  { optionPrefix }: CheckedIssuer,
): Promise<Problem[]> {
  const option = `${optionPrefix}introspection`
  const endpoint = endpointOf(config, metadata)
  if (endpoint === undefined && !config.isGoogle)
    return [
      error(
        'introspection_missing',
        'the metadata of this issuer has no introspection_endpoint, so that opaque tokens cannot be checked',
        `set ${option}.endpoint, or leave out ${option} if the tokens are JWTs`,
      ),
    ]
  try {
    if ((await client.introspect(randomId(), config, undefined)) === undefined) return []
    return [
      error(
        'accepts_any_token',
        'the introspection endpoint reports a token that does not exist as active',
        `check ${option}.endpoint: this is not the introspection endpoint of a real server`,
      ),
    ]
  } catch (thrown) {
    return [introspectionProblem(thrown, endpoint, option)]
  }
}

function endpointOf(
  { endpoint }: IntrospectionConfig,
  metadata: ServerMetadata | undefined,
): string | undefined {
  return endpoint ?? metadata?.introspection.endpoint
}

function introspectionProblem(
  thrown: unknown,
  endpoint: string | undefined,
  option: string,
): Problem {
  if (!(thrown instanceof OAuthError)) throw thrown
  if (isUnreachable(thrown) && endpoint !== undefined)
    return networkProblem(thrown, endpoint, {
      what: 'the introspection endpoint',
      option: `${option}.endpoint`,
    })
  const { problem, fix } = divide(thrown.hint ?? thrown.message)
  if (thrown.code === 'provider_busy')
    return warning('provider_busy', problem, 'run the doctor again later')
  return thrown.code === 'misconfigured'
    ? error('introspection_rejected', problem, fix ?? `check ${option}`)
    : error('introspection_failed', problem, fix ?? `check ${option}.endpoint`)
}
