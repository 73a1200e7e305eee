import type { ProviderSetup } from './define-provider.js'
import { amazonProvider, type AmazonOptions } from './amazon.js'
import { facebookProvider, type FacebookOptions } from './facebook.js'
import { githubProvider, type GithubOptions } from './github.js'
import { gitlabProvider, type GitlabOptions } from './gitlab.js'
import { googleProvider, type GoogleOptions } from './google.js'
import { linkedinProvider, type LinkedinOptions } from './linkedin.js'
import { microsoftProvider, type MicrosoftOptions } from './microsoft.js'
import { twitchProvider, type TwitchOptions } from './twitch.js'

interface BuiltinOptions {
  github: GithubOptions
  google: GoogleOptions
  microsoft: MicrosoftOptions
  gitlab: GitlabOptions
  facebook: FacebookOptions
  linkedin: LinkedinOptions
  twitch: TwitchOptions
  amazon: AmazonOptions
}

/** Name of a built-in provider. */
export type BuiltinName = keyof BuiltinOptions

/** The built-in providers: their options can be written directly under their names. */
export const builtinProviders: {
  readonly [Name in BuiltinName]: (options?: BuiltinOptions[Name]) => ProviderSetup
} = {
  github: githubProvider,
  google: googleProvider,
  microsoft: microsoftProvider,
  gitlab: gitlabProvider,
  facebook: facebookProvider,
  linkedin: linkedinProvider,
  twitch: twitchProvider,
  amazon: amazonProvider,
}

/**
 * The `provider` option: options of built-in providers under their names, and, under names of your choice, return values of
 * `oidcProvider()`, `oauth2Provider()`, `defineProvider()` or the factory of a built-in provider.
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
