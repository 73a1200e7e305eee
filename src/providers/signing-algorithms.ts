import type { ClientAuth } from '../oauth/endpoints.js'
import {
  canonicalAlgorithm,
  isSigningAlgorithm,
  SIGNING_ALGORITHMS,
} from '../oauth/signing-algorithms.js'
import type { Mistakes } from '../schema/field.js'
import { custom, strings } from '../schema/types.js'

const algorithmNames = strings({
  check: (algorithm) =>
    isSigningAlgorithm(canonicalAlgorithm(algorithm))
      ? undefined
      : `must contain only ${SIGNING_ALGORITHMS.join(', ')}`,
  normalize: canonicalAlgorithm,
})

/** Algorithms of ID tokens. (RFC 7518, 3.1) */
export const signingAlgorithmsField = custom(
  (value, mistakes) => algorithmNames.parse(value, mistakes)?.filter(isSigningAlgorithm),
  { type: 'array', of: { type: 'enum', values: SIGNING_ALGORITHMS } },
)

/**
 * Rejects `HS256` without a client secret, with which it is verified. (OpenID Connect Core, 10.1)
 */
export function checkSigningAlgorithms(
  signingAlgorithms: readonly string[] | undefined,
  clientAuth: ClientAuth | undefined,
  mistakes: Mistakes,
): void {
  const hasSecret = clientAuth !== 'none' && clientAuth !== 'private_key_jwt'
  if (!hasSecret && signingAlgorithms?.includes('HS256') === true)
    mistakes
      .at('signingAlgorithms')
      .add(
        `cannot contain HS256 with clientAuth: '${clientAuth}': there is no client secret to verify it with`,
      )
}
