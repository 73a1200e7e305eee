import { isStorable, providersOf } from '../options/apply-change.js'
import type { OAuthModuleOptions } from '../options/options.js'
import type { ProviderSetup } from '../providers/define-provider.js'
import { type BuiltinName, isBuiltinName } from '../providers/index.js'
import { isOAuth2Setup } from '../providers/oauth2.js'
import { isPlainObject } from '../schema/read-fields.js'

/** Options of `oauthModule()` or of a provider, which were checked before. */
export type CheckedOptions = Readonly<Record<string, unknown>>

function providerEntries(options: CheckedOptions): readonly (readonly [string, unknown])[] {
  return Object.entries(providersOf(options as unknown as OAuthModuleOptions))
}

/** The options of the built-in providers that the module of an edge describes. */
export function builtinsOf(options: CheckedOptions): ReadonlyMap<BuiltinName, CheckedOptions> {
  return new Map(
    providerEntries(options).flatMap(([name, value]) =>
      isBuiltinName(name) && isStorable(name, value) && isPlainObject(value)
        ? [[name, value] as const]
        : [],
    ),
  )
}

/** The names of the other providers: only the code can change them. */
export function otherProvidersOf(options: CheckedOptions): readonly string[] {
  return providerEntries(options).flatMap(([name, value]) =>
    isStorable(name, value) ? [] : [name],
  )
}

/** The providers that `oauth2Provider()` has created, by name. */
export function oauth2ProvidersOf(options: CheckedOptions): ReadonlyMap<string, ProviderSetup> {
  return new Map(
    providerEntries(options).flatMap(([name, value]) =>
      isOAuth2Setup(value) ? [[name, value] as const] : [],
    ),
  )
}

/** A list among checked options. */
export function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** A string among checked options. */
export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
