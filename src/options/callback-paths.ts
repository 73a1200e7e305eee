import type { Provider } from '../access/provider.js'
import { comparablePath } from '../http/paths.js'
import { type CallbackPaths, SPECIAL_NAMES } from '../http/special-paths.js'
import type { Mistakes } from '../schema/field.js'
import type { ConfigDraft } from './config.js'

/**
 * The callback path of each provider. With one path for all of them, a response of one provider
 * could pass as a response of another. (RFC 9700, 4.4)
 */
export function resolveCallbackPaths(
  providers: readonly Provider[],
  basePath: string,
  callbackPath = `${basePath}/callback`,
): CallbackPaths {
  const prefix = callbackPath.endsWith('/') ? callbackPath : `${callbackPath}/`
  return new Map(
    providers.map((provider, index) => [
      provider.name,
      provider.callbackPath ?? (index === 0 ? callbackPath : prefix + provider.name),
    ]),
  )
}

/** Reports callback paths that are those of another provider, or of another special path. */
export function checkCallbackPaths(
  { providers, basePath, callbackPaths }: ConfigDraft,
  mistakes: Mistakes,
): void {
  const specialPaths = SPECIAL_NAMES.map((name) => comparablePath(`${basePath}/${name}`))
  const taken = new Map<string, Provider>()
  // An option is to blame, not the default path of another provider.
  const isDefault = ({ callbackPath }: Provider) => callbackPath === undefined
  for (const provider of [...providers].sort(
    (a, b) => Number(isDefault(b)) - Number(isDefault(a)),
  )) {
    const path = comparablePath(callbackPaths.get(provider.name) ?? '')
    const option = isDefault(provider)
      ? mistakes.at('callbackPath')
      : mistakes.at('provider').at(provider.name).at('callbackPath')
    if (specialPaths.includes(path))
      option.add(
        `must not be one of the special paths (${SPECIAL_NAMES.map((name) => `${basePath}/${name}`).join(', ')}): choose another path, or set basePath`,
      )
    const other = taken.get(path)
    if (other !== undefined && !(isDefault(provider) && isDefault(other)))
      option.add(
        `must not be the callback path of ${other.name} as well: register another redirect URI for one of the two, so that a response of one provider cannot pass as a response of the other`,
      )
    taken.set(path, provider)
  }
}
