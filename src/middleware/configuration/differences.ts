import { isStorable, providersOf, withChange } from '../../options/apply-change.js'
import type { OAuthModuleOptions } from '../../options/options.js'
import {
  type StoredChange,
  storedConnectionOptions,
  storedModuleOptions,
  storedProviderOptions,
} from '../../options/stored-change.js'
import { isOAuth2Setup } from '../../providers/oauth2.js'
import { isObject } from '../../http/json.js'

/**
 * The names of the options in which two configurations differ, as far as a change of the store can
 * replace them: never their values.
 */
export function differencesOf(before: OAuthModuleOptions, after: OAuthModuleOptions): string[] {
  const [old, current] = [providersOf(before), providersOf(after)]
  const names = new Set([...Object.keys(old), ...Object.keys(current)])
  return [
    ...[...names].flatMap((name) => providerDifferences(name, old[name], current[name])),
    ...storedModuleOptions.filter(
      (name) => (before[name] ?? DEFAULTS[name]) !== (after[name] ?? DEFAULTS[name]),
    ),
  ]
}

/** The same for two changes of the code. Connections that the code no longer has are left out. */
export function differencesOfChanges(
  code: OAuthModuleOptions,
  before: StoredChange = {},
  after: StoredChange = {},
): string[] {
  const [old, current] = [before, after].map(({ connections = {}, ...change }) => {
    const known = Object.entries(connections).filter(([name]) =>
      isOAuth2Setup(providersOf(code)[name]),
    )
    return withChange(code, { ...change, connections: Object.fromEntries(known) })
  })
  return differencesOf(old ?? code, current ?? code)
}

const DEFAULTS = {
  enabled: true,
  optionsPassthrough: false,
  inactivityTimeout: 0,
  maximumDuration: 0,
  authCheckInterval: 0,
} as const satisfies Record<(typeof storedModuleOptions)[number], unknown>

function providerDifferences(name: string, before: unknown, after: unknown): string[] {
  const at = `provider.${name}`
  if (before === undefined) return [`${at} (added)`]
  if (after === undefined) return [`${at} (removed)`]
  if (isOAuth2Setup(before) && isOAuth2Setup(after))
    return changedNames(at, storedConnectionOptions, before.options, after.options)
  return isStorable(name, before) && isStorable(name, after)
    ? changedNames(at, storedProviderOptions, before, after)
    : []
}

function changedNames(
  at: string,
  names: readonly string[],
  before: unknown,
  after: unknown,
): string[] {
  const [old, current] = [before, after].map((options) => (isObject(options) ? options : {}))
  return names
    .filter((name) => JSON.stringify(old?.[name]) !== JSON.stringify(current?.[name]))
    .map((name) => `${at}.${name}`)
}
