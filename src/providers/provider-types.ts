import type { Fields } from '../schema/field.js'
import type { ProviderSetup } from './define-provider.js'
import { builtinProviders } from './index.js'
import { oauth2Provider } from './oauth2.js'
import { oidcProvider } from './oidc.js'

/** The factories of providers by the `type` that JSON gives them. */
export const providerTypes = {
  oidc: oidcProvider,
  oauth2: oauth2Provider,
  ...builtinProviders,
} satisfies Record<string, (options: never) => ProviderSetup>

/** The kind of a provider in JSON: `'oidc'`, `'oauth2'`, or the name of a built-in provider. */
export type ProviderType = keyof typeof providerTypes

/** Whether this is a {@link ProviderType}. */
export function isProviderType(type: unknown): type is ProviderType {
  return typeof type === 'string' && Object.hasOwn(providerTypes, type)
}

/** Creates a provider of this type. Mistakes are reported by `oauthModule()`. */
export function providerOfType(type: ProviderType, options: object): ProviderSetup {
  const factory = providerTypes[type] as (options: object) => ProviderSetup
  return factory(options)
}

/** The fields of the options of this type. */
export function fieldsOfType(type: ProviderType): Fields {
  return providerOfType(type, {}).fields
}
