import { type Provider, trustsEmail } from '../access/provider.js'
import { withoutFinalSlashes } from '../http/paths.js'
import type { ProviderDefaults } from '../providers/build-provider.js'
import { providerOptions } from '../providers/common-fields.js'
import { Mistakes, type Values } from '../schema/field.js'
import { readFields } from '../schema/read-fields.js'
import { memoryStore } from '../session/stores/memory-store.js'
import { resolveSignals } from '../signals/config.js'
import { resolveCallbackPaths } from './callback-paths.js'
import { checkTogether } from './checks.js'
import type { Config, ConfigDraft, Env, UpstreamHeadersConfig } from './config.js'
import { optionFields } from './fields.js'
import { isPreset } from './header-presets.js'
import { parseWithDevProvider } from './dev-provider.js'
import { inheritFixed } from './fixed-options.js'
import { warnOfIneffectiveOptions } from './ineffective-options.js'
import { createLogger } from './logger.js'
import { environmentSecrets, randomSecret } from './secret.js'
import { announceConfig } from './startup-warnings.js'
import { toSessionStore } from './store.js'

type OptionValues = Values<typeof optionFields>

/** Valid options whose notices have not been logged yet. */
export interface CheckedOptions {
  readonly config: Config
  /** Logs what is unsafe, surprising or without effect, when the configuration takes effect. */
  readonly announce: () => void
}

/**
 * Validates options; needs no network. Throws one `TypeError` for all mistakes; each message names
 * the option and the fix. With `previous`, for `reconfigure()`: inherits the options that cannot
 * change, and rejects different values for them.
 */
export function parseOptions(options: unknown, previous?: Config, env: Env = process.env): Config {
  const { config, announce } = checkOptions(options, previous, env)
  announce()
  return config
}

/** Validates options as {@link parseOptions} does, for a configuration that may not take effect. */
export function checkOptions(
  options: unknown,
  previous?: Config,
  env: Env = process.env,
): CheckedOptions {
  const mistakes = new Mistakes(previous === undefined ? 'oauthModule' : 'reconfigure()')
  const draft = readOptions(options, previous, env, mistakes)
  mistakes.throwIfAny()
  const secret = draft.secret ?? [randomSecret()]
  const store = draft.store ?? memoryStore()
  return {
    config: { ...draft, secret, store },
    announce() {
      announceConfig(draft, env)
      warnOfIneffectiveOptions(draft, options)
    },
  }
}

/** The mistakes in options, for those who have found others in them. */
export function mistakesOf(options: unknown, env: Env): Mistakes {
  const mistakes = new Mistakes('oauthModule')
  readOptions(options, undefined, env, mistakes)
  return mistakes
}

/** The result is complete only if no mistake was added. */
function readOptions(
  options: unknown,
  previous: Config | undefined,
  env: Env,
  mistakes: Mistakes,
): ConfigDraft {
  const values = readFields(optionFields, options, mistakes, providerOptions)
  const fixed = inheritFixed(values, previous, mistakes)
  const base = draftOf(fixed, previous, env, mistakes)
  // Which provider a signal is about can only be decided for valid ones.
  const signals = mistakes.has('provider', 'store', 'signals')
    ? undefined
    : resolveSignals(fixed.signals, base, mistakes.at('signals'))
  const draft = { ...base, signals }
  checkTogether(draft, env, mistakes)
  return draft
}

function draftOf(
  values: OptionValues,
  previous: Config | undefined,
  env: Env,
  mistakes: Mistakes,
): Omit<ConfigDraft, 'signals'> {
  const {
    provider,
    baseUrl,
    basePath = '/auth',
    callbackPath,
    cookiePrefix,
    cookie,
    inactivityTimeout,
    maximumDuration,
    authCheckInterval,
    authCheckGrace,
    timeouts,
    clockTolerance,
    secret,
    store,
    headerPrefix,
    forwardTokens,
    logger,
    ...unchanged
  } = values
  const defaults = providerDefaults(values, env)
  const parsed = parseWithDevProvider(provider, baseUrl, defaults, mistakes.at('provider'))
  const { providers } = parsed
  return {
    ...unchanged,
    ...parsed,
    baseUrl: parseBaseUrl(baseUrl),
    basePath,
    callbackPaths: resolveCallbackPaths(providers, basePath, callbackPath),
    cookiePrefix: cookiePrefix ?? 'ngrok.',
    cookie: cookieConfig(cookie),
    inactivityTimeoutMs: inactivityTimeout,
    maximumDurationMs: maximumDuration,
    authCheckIntervalMs: authCheckInterval,
    authCheckGraceMs: authCheckGrace,
    timeouts: { providerMs: timeouts.provider, storeMs: timeouts.store },
    clockToleranceMs: clockTolerance,
    secret: secretsOf(secret, env, mistakes),
    store: toSessionStore(store, timeouts.store),
    storeOption: previous === undefined ? store : previous.storeOption,
    headers: headersConfig({ headerPrefix, forwardTokens }, providers),
    logger: createLogger(logger),
  }
}

function providerDefaults(
  { timeouts, clockTolerance, authCheckInterval, headerPrefix }: OptionValues,
  env: Env,
): ProviderDefaults {
  return {
    env,
    timeoutMs: timeouts.provider,
    clockToleranceMs: clockTolerance,
    moduleOptions: { names: Object.keys(optionFields), of: 'oauthModule()' },
    offlineAccess: authCheckInterval > 0,
    readsAllMemberships: isPreset(headerPrefix),
  }
}

function secretsOf(
  given: OptionValues['secret'],
  env: Env,
  mistakes: Mistakes,
): ConfigDraft['secret'] {
  if (mistakes.has('secret')) return undefined
  return given ?? environmentSecrets(env['OAUTH_MODULE_SECRET'], mistakes.at('secret'))
}

function cookieConfig(cookie: OptionValues['cookie']): Config['cookie'] {
  return {
    domain: cookie?.domain,
    sameSite: cookie?.sameSite ?? 'Lax',
    secure: cookie?.secure,
    path: cookie?.path,
    forward: cookie?.forward ?? false,
  }
}

function parseBaseUrl(baseUrl: string | undefined): Config['baseUrl'] {
  if (baseUrl === undefined) return undefined
  const { origin, pathname } = new URL(baseUrl)
  return { origin, path: withoutFinalSlashes(pathname) }
}

function headersConfig(
  {
    headerPrefix,
    forwardTokens = headerPrefix === 'ngrok-auth-' ? 'hidden' : false,
  }: Pick<OptionValues, 'headerPrefix' | 'forwardTokens'>,
  providers: readonly Provider[],
): UpstreamHeadersConfig {
  const namesOf = (test: (provider: Provider) => boolean) =>
    new Set(providers.filter(test).map(({ name }) => name))
  return {
    headerPrefix,
    forwardTokens,
    hasSeveralProviders: providers.length > 1,
    trustsEmailOf: namesOf(trustsEmail),
    github: namesOf(({ hasGithubHeaders }) => hasGithubHeaders === true),
    managed: namesOf(({ isManaged }) => isManaged),
  }
}
