import type { ProviderSource } from '../oauth/provider.js'
import { githubProvider, type GithubOptions } from './github.js'

/** The providers that take their options directly under their own name. */
export const builtinProviders = {
  github: githubProvider,
} as const

export type BuiltinName = keyof typeof builtinProviders

/** The `provider` option: built-in providers by their names, and others by names of your own. */
export interface ProviderMap {
  github?: GithubOptions | ProviderSource | undefined
  /** What `oidcProvider()`, `defineProvider()` or a built-in's factory returns, under a name of your own. */
  [name: string]: GithubOptions | ProviderSource | undefined
}

export function isBuiltinName(name: string): name is BuiltinName {
  return Object.hasOwn(builtinProviders, name)
}
