import { optionFields } from '../options/fields.js'
import { fieldsOfType, providerTypes, type ProviderType } from '../providers/provider-types.js'
import type { Fields, FieldSchema } from '../schema/field.js'
import { settingFields } from './settings.js'

/** A setting that a flag, and a variable of the environment, can make. */
export interface Flag {
  /** Without the dashes, as in `auth-check-interval`. */
  readonly name: string
  /** Where the value belongs in the configuration. The options of a provider start at `'*'`. */
  readonly path: readonly string[]
  readonly schema: FieldSchema
  readonly description: string | undefined
  /** Whether the value is the name of a file that contains the value. */
  readonly isFile: boolean
}

/** In the place of the provider that `--oauth` names. */
export const ANY_PROVIDER = '*'

/** `authCheckInterval` as `auth-check-interval`. */
export function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** The names of ngrok's command, and what they are here. */
const providerAliases: Readonly<Record<string, string>> = {
  'oauth-allow-email': 'emailAddresses',
  'oauth-allow-domain': 'emailDomains',
  'oauth-scope': 'scopes',
}

function flagsOf(fields: Fields, prefix: readonly string[], names: readonly string[]): Flag[] {
  return Object.entries(fields).flatMap(([name, { schema, details }]) => {
    const at = { path: [...prefix, name], names: [...names, kebabCase(name)] }
    if (schema.type === 'object') return flagsOf(schema.fields, at.path, at.names)
    return flagsFor(at.names.join('-'), at.path, schema, details.description)
  })
}

function flagsFor(
  name: string,
  path: readonly string[],
  schema: FieldSchema,
  description?: string,
): Flag[] {
  if (schema.type === 'function' || schema.type === 'any') return []
  const flag = { name, path, schema, description, isFile: false }
  return isSecret(schema)
    ? [flag, { ...flag, name: `${name}-file`, schema: { type: 'secret' }, isFile: true }]
    : [flag]
}

/** Whether values of this kind are secret. */
export function isSecret(schema: FieldSchema): boolean {
  return schema.type === 'secret' || (schema.type === 'anyOf' && schema.of.some(isSecret))
}

/** The options of all providers; the first provider with an option describes it. */
function providerFlags(): Flag[] {
  const fields = Object.assign(
    {},
    ...(Object.keys(providerTypes) as ProviderType[]).map(fieldsOfType).reverse(),
  ) as Fields
  const flags = flagsOf(fields, ['provider', ANY_PROVIDER], ['oauth'])
  const aliases = Object.entries(providerAliases).flatMap(([name, option]) =>
    flagsFor(
      name,
      ['provider', ANY_PROVIDER, option],
      fields[option]?.schema ?? { type: 'strings' },
      fields[option]?.details.description,
    ),
  )
  const type: FieldSchema = { type: 'enum', values: Object.keys(providerTypes) }
  return [
    ...flags,
    ...aliases,
    ...flagsFor('oauth-type', ['provider', ANY_PROVIDER, 'type'], type, 'Kind of the provider.'),
  ]
}

/** Names the providers. */
export const OAUTH = 'oauth'

/** Every flag of `http` and `doctor`. */
export const flags: readonly Flag[] = [
  ...flagsFor(OAUTH, [], { type: 'strings' }, 'The identity provider, or several.'),
  ...providerFlags(),
  ...flagsFor('provider', ['provider'], { type: 'record' }, 'All providers as JSON.'),
  ...flagsFor(
    'store',
    ['store'],
    { type: 'string', max: 2048, pattern: undefined },
    "Where sessions are stored: memory, cookie, or a URL, as in 'redis://127.0.0.1:6379'.",
  ),
  ...flagsOf(settingFields, [], []),
  ...flagsOf(optionFields, [], []),
]

/** The variable of the environment for a flag. */
export function variableOf(name: string): string {
  return `OAUTH_MODULE_${name.toUpperCase().replaceAll('-', '_')}`
}
