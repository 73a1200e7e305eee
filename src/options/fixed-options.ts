import type { Mistakes, Values } from '../schema/field.js'
import type { Config } from './config.js'
import type { optionFields } from './fields.js'

type OptionValues = Values<typeof optionFields>

/**
 * Replaces the options that `reconfigure()` inherits, and reports values that differ from the
 * current ones. These options determine where sessions are stored and how they are protected: a
 * change would end or expose all of them.
 */
export function inheritFixed(
  values: OptionValues,
  previous: Config | undefined,
  mistakes: Mistakes,
): OptionValues {
  if (previous === undefined) return values
  const { secret, store, id, cookiePrefix, basePath, cookie, configVersion } = previous
  const isSame = {
    secret: String(values.secret) === String(secret),
    store: values.store === store || values.store === previous.storeOption,
    id: values.id === id,
    cookiePrefix: values.cookiePrefix === cookiePrefix,
    basePath: values.basePath === basePath,
    configVersion: values.configVersion === configVersion,
    cookie: (['domain', 'sameSite', 'secure', 'path', 'forward'] as const).every(
      (name) => values.cookie?.[name] === undefined || values.cookie[name] === cookie[name],
    ),
  }
  for (const name of Object.keys(isSame) as (keyof typeof isSame)[])
    if (values[name] !== undefined && !isSame[name])
      mistakes
        .at(name)
        .add('cannot change while the process runs: leave it out or leave it unchanged')
  return { ...values, secret, store, id, cookiePrefix, basePath, cookie, configVersion }
}
