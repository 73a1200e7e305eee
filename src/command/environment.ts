import { builtinProviders } from '../providers/index.js'
import { nearest } from '../schema/suggestions.js'
import { CommandError } from './errors.js'
import { type Flag, flags, variableOf } from './flags.js'
import { isList } from './text-values.js'

/** Variables of the process. */
export type Env = Readonly<Record<string, string | undefined>>

const PREFIX = 'OAUTH_MODULE_'
const byVariable = new Map(flags.map((flag) => [variableOf(flag.name), flag]))

/** Names the configuration file. */
export const CONFIG_VARIABLE = `${PREFIX}CONFIG`

/** Variables that `oauthModule()` reads itself: `OAUTH_MODULE_GITHUB_CLIENT_ID`, for example. */
const OTHERS = /^OAUTH_MODULE_(?:DEV|CONFIG|[A-Z0-9_]+_CLIENT_(?:ID|SECRET))$/

/**
 * The flags that the environment sets. Commas separate the entries of an array. Throws a
 * {@link CommandError} for an unknown variable with our prefix: a rule must not get lost with it.
 */
export function flagsInEnvironment(env: Env): ReadonlyMap<Flag, readonly string[]> {
  const values = new Map<Flag, readonly string[]>()
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || !variable.startsWith(PREFIX)) continue
    const flag = byVariable.get(variable)
    if (flag !== undefined) values.set(flag, textsOf(flag, value))
    else if (!OTHERS.test(variable)) throw new CommandError(unknownVariable(variable))
  }
  return values
}

function textsOf({ schema }: Flag, value: string): readonly string[] {
  const isJson = schema.type === 'array' && schema.of.type === 'object'
  return isList(schema) && !isJson ? value.split(',').map((part) => part.trim()) : [value]
}

function unknownVariable(variable: string): string {
  const bare = variable.slice(PREFIX.length)
  const known = [...byVariable.keys()].map((name) => name.slice(PREFIX.length))
  const meant = nearest(bare, known) ?? known.find((name) => name === `OAUTH_${bare}`)
  const managed = Object.keys(builtinProviders)[0]?.toUpperCase() ?? ''
  return `the variable ${variable.slice(0, 64)} is not known: ${
    meant === undefined
      ? `variables are ${PREFIX} and the name of a flag, as in ${PREFIX}OAUTH_ALLOW_DOMAIN, or ${PREFIX}${managed}_CLIENT_ID`
      : `write ${PREFIX}${meant}`
  }`
}
