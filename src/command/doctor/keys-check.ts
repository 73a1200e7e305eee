import type { Provider } from '../../access/provider.js'
import { OAuthError } from '../../http/errors.js'
import type { ServerMetadata } from '../../oauth/discovery.js'
import type { KeySource } from '../../oauth/jwt.js'
import { jwtExpectations } from '../../oauth/jwt.js'
import { divide, error, type Problem } from './finding.js'
import { codeIn, networkProblem } from './network.js'

/** Whether ID tokens of the provider can be verified: its key set, and its algorithms. */
export async function checkKeys(
  provider: Provider,
  metadata: ServerMetadata,
  keySource: KeySource,
): Promise<Problem[]> {
  if (!provider.openid) return []
  const { algorithms } = jwtExpectations(provider, metadata)
  const withKeys = algorithms.filter((algorithm) => algorithm !== 'HS256')
  const { jwks } = metadata.endpoints
  const mismatch = algorithmMismatch(provider, metadata)
  if (mismatch !== undefined) return [mismatch]
  if (withKeys.length === 0 || jwks === undefined) return []
  try {
    const keys = await keySource.keys()
    if (withKeys.some((algorithm) => keys.hasKeyFor(algorithm))) return []
    return [
      error(
        'no_signing_key',
        `the key set at ${jwks} has no key for ${withKeys.join(', ')}, with which ID tokens may be signed`,
        'have the provider publish its signing keys there, or correct endpoints.jwks or signingAlgorithms',
      ),
    ]
  } catch (thrown) {
    return [keysProblem(thrown, jwks)]
  }
}

/** Why a key set cannot be read. `optionPrefix` is that of the server. */
export function keysProblem(thrown: unknown, jwks: string, optionPrefix = ''): Problem {
  if (codeIn(thrown) !== undefined)
    return networkProblem(thrown, jwks, {
      what: 'the key set',
      option: `${optionPrefix}endpoints.jwks`,
    })
  const hint = thrown instanceof OAuthError ? thrown.hint : undefined
  const { problem, fix } = divide(hint ?? `the key set at ${jwks} cannot be read`)
  return error(
    'keys_unavailable',
    problem,
    fix ?? `check whether ${jwks} is the key set of the provider (jwks_uri)`,
  )
}

/** The option allows none of the algorithms that discovery lists. */
function algorithmMismatch(
  { signingAlgorithms }: Provider,
  { algorithms: listed }: ServerMetadata,
): Problem | undefined {
  if (listed.length === 0 && signingAlgorithms === undefined)
    return error(
      'algorithm_mismatch',
      'discovery lists only algorithms of ID tokens that are not accepted',
      'have the provider sign ID tokens with RS256 or ES256; for HS256, set signingAlgorithms',
    )
  if (signingAlgorithms === undefined || signingAlgorithms.includes('HS256')) return undefined
  const isPossible = signingAlgorithms.some((algorithm) => listed.some((one) => one === algorithm))
  return isPossible
    ? undefined
    : error(
        'algorithm_mismatch',
        `signingAlgorithms allows ${signingAlgorithms.join(', ')}, but the provider signs ID tokens with ${listed.join(', ')}`,
        `set signingAlgorithms: ['${listed[0] ?? 'RS256'}'], or leave it out`,
      )
}
