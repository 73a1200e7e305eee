import type { ProviderSetup } from './define-provider.js'
import { amazonProvider } from './amazon.js'
import { facebookProvider } from './facebook.js'
import { githubProvider } from './github.js'
import { gitlabProvider } from './gitlab.js'
import { googleProvider } from './google.js'
import { linkedinProvider } from './linkedin.js'
import { microsoftProvider } from './microsoft.js'
import { twitchProvider } from './twitch.js'

/**
 * The providers that take their options directly under their own name. Adding one takes a row here.
 */
export const builtinProviders = {
  github: githubProvider,
  google: googleProvider,
  microsoft: microsoftProvider,
  gitlab: gitlabProvider,
  facebook: facebookProvider,
  linkedin: linkedinProvider,
  twitch: twitchProvider,
  amazon: amazonProvider,
} satisfies Record<string, (options?: never) => ProviderSetup>

/** The name of a built-in provider. */
export type BuiltinName = keyof typeof builtinProviders

type BuiltinOptions = {
  [Name in BuiltinName]: NonNullable<Parameters<(typeof builtinProviders)[Name]>[0]>
}

/**
 * The `provider` option: options of built-in providers under their names, and, under names of your
 * choice, return values of `oidcProvider()`, `oauth2Provider()`, `defineProvider()` or the factory
 * of a built-in provider.
 */
export type ProviderMap = {
  readonly [Name in BuiltinName]?: BuiltinOptions[Name] | ProviderSetup | undefined
} & {
  readonly [name: string]: BuiltinOptions[BuiltinName] | ProviderSetup | undefined
}

/** Whether this is the name of a built-in provider. */
export function isBuiltinName(name: string): name is BuiltinName {
  return Object.hasOwn(builtinProviders, name)
}
