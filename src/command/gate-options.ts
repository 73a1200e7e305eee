import { optionsFromJson } from '../options/json-options.js'
import { isPreset } from '../options/header-presets.js'
import type { OAuthModuleOptions } from '../options/options.js'
import type { builtinProviders } from '../providers/index.js'
import { isBuiltinName } from '../providers/index.js'
import { isPlainObject } from '../schema/read-fields.js'
import type { SessionStore } from '../session/stores/store.js'
import { type Configuration, providerNames } from './configuration.js'
import type { Env } from './environment.js'
import { CommandError } from './errors.js'
import type { ListenAddress } from './gateway/index.js'
import { isLoopbackAddress } from './settings.js'

/** Where an app is registered at each built-in provider. */
const registrationPages: Readonly<Record<keyof typeof builtinProviders, string>> = {
  github: 'https://github.com/settings/developers',
  google: 'https://console.cloud.google.com/auth/clients',
  microsoft: 'https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps',
  gitlab: 'https://gitlab.com/-/user_settings/applications',
  facebook: 'https://developers.facebook.com/apps',
  linkedin: 'https://www.linkedin.com/developers/apps',
  twitch: 'https://dev.twitch.tv/console/apps',
  amazon: 'https://developer.amazon.com/loginwithamazon/console/site/lwa/overview.html',
}

/**
 * The options of the gate. Throws a `TypeError` that lists all mistakes if the form of one cannot be
 * used; otherwise `oauthModule()` finds them. Tokens are forwarded, since the app is behind a proxy,
 * unless the headers are those of another product.
 */
export function gateOptions(
  { json, settings }: Configuration,
  env: Env,
  connect: (url: string) => SessionStore,
): OAuthModuleOptions {
  const given = optionsFromJson(json, { secrets: secretsOf(json.secret, env), connect, env })
  // Without it, the admin API could not change the configuration.
  const isAdministered = settings.adminToken !== undefined && json.store !== 'cookie'
  const options = isAdministered ? { configVersion: 1, ...given } : given
  const { headerPrefix = 'ngrok-auth-', forwardTokens } = options
  const forwards = forwardTokens === undefined && headerPrefix !== false && !isPreset(headerPrefix)
  return forwards && hasOwnClient(json.provider) ? { ...options, forwardTokens: true } : options
}

/** The app does not get the tokens of managed applications, whose client comes from the environment. */
function hasOwnClient(providers: unknown): boolean {
  return (
    isPlainObject(providers) &&
    Object.entries(providers).some(
      ([name, options]) => name === 'dev' || (isPlainObject(options) && 'clientId' in options),
    )
  )
}

function secretsOf(secret: unknown, env: Env): readonly string[] {
  const given = secret ?? env['OAUTH_MODULE_SECRET']?.split(',').map((one) => one.trim()) ?? []
  return [given].flat().filter((one) => typeof one === 'string' && one !== '') as string[]
}

/**
 * Checks what the command requires beyond the options. Throws a {@link CommandError} with one
 * sentence that states the fix.
 */
export function checkRequirements(
  configuration: Configuration,
  env: Env,
  listen: ListenAddress,
): void {
  const names = providerNames(configuration)
  if (names.length === 0)
    throw new CommandError('no provider is configured: name one, as in --oauth google')
  if (!isLoopbackAddress(listen)) checkPublic(configuration, env)
  for (const name of names) checkClient(name, configuration, env, listen)
}

function checkPublic({ json }: Configuration, env: Env): void {
  const missing = [
    ...(json.secret === undefined && !env['OAUTH_MODULE_SECRET'] ? ['--secret'] : []),
    ...(json.baseUrl === undefined ? ['--base-url'] : []),
  ]
  if (missing.length > 0)
    throw new CommandError(
      `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} required to listen beyond this machine: --base-url is the address that browsers use, and --secret has at least 32 random characters, as from \`openssl rand -hex 32\``,
    )
}

function checkClient(
  name: string,
  { json }: Configuration,
  env: Env,
  { host, port }: ListenAddress,
): void {
  const options = isPlainObject(json.provider) ? json.provider[name] : undefined
  if (!isPlainObject(options) || Object.hasOwn(options, 'clientId')) return
  // Names that need a type are reported with the other mistakes.
  if (!isBuiltinName(name) && !Object.hasOwn(options, 'type')) return
  const variable = `OAUTH_MODULE_${name.toUpperCase().replaceAll('-', '_')}_CLIENT_ID`
  if (env[variable] || env['OAUTH_MODULE_DEV'] === '1') return
  const origin = json.baseUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const callback = json.callbackPath ?? `${json.basePath ?? '/auth'}/callback`
  const where = isBuiltinName(name) ? ` at ${registrationPages[name]}` : ' at your provider'
  throw new CommandError(
    `no client ID for ${name}: register an app${where} with the redirect URI ${origin.replace(/\/$/, '')}${callback}, and set --oauth-client-id and --oauth-client-secret (or try it with --oauth dev)`,
  )
}
