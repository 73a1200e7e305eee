import { type Provider, trustsEmail } from '../access/provider.js'
import { parseProviders } from '../providers/parse-provider.js'
import { Mistakes, type Values } from '../schema/field.js'
import { readFields } from '../schema/read-fields.js'
import { memoryStore } from '../session/stores/memory-store.js'
import { checkTogether } from './checks.js'
import type { Config, ConfigDraft, Env, UpstreamHeadersConfig } from './config.js'
import { optionFields } from './fields.js'
import { inheritFixed } from './fixed-options.js'
import { createLogger } from './logger.js'
import { environmentSecrets, randomSecret } from './secret.js'
import { announceConfig } from './startup-warnings.js'
import { toSessionStore } from './store.js'

type OptionValues = Values<typeof optionFields>

/**
 * Validates options; needs no network. Throws one `TypeError` for all mistakes; each message names the option and the fix. With
 * `previous`, for `reconfigure()`: inherits the options that cannot change, and rejects different values for them.
 */
export function parseOptions(options: unknown, previous?: Config, env: Env = process.env): Config {
  const mistakes = new Mistakes(previous === undefined ? 'oauthModule' : 'reconfigure()')
  const given = readFields(optionFields, options, mistakes)
  const draft = draftOf(inheritFixed(given, previous, mistakes), previous, env, mistakes)
  checkTogether(draft, env, mistakes)
  mistakes.throwIfAny()
  announceConfig(draft, env)
  return {
    ...draft,
    secret: draft.secret ?? [randomSecret()],
    store: draft.store ?? memoryStore(),
  }
}

function draftOf(
  values: OptionValues,
  previous: Config | undefined,
  env: Env,
  mistakes: Mistakes,
): ConfigDraft {
  const { timeouts, authCheckInterval, clockTolerance } = values
  const providers = parseProviders(
    values.provider,
    {
      env,
      timeoutMs: timeouts.provider,
      clockToleranceMs: clockTolerance,
      offlineAccess: authCheckInterval > 0,
    },
    mistakes.at('provider'),
  )
  return {
    ...sameInConfig(values),
    baseUrl: parseBaseUrl(values.baseUrl),
    basePath: values.basePath ?? '/auth',
    cookiePrefix: values.cookiePrefix ?? 'ngrok.',
    cookie: cookieConfig(values.cookie),
    inactivityTimeoutMs: values.inactivityTimeout,
    maximumDurationMs: values.maximumDuration,
    authCheckIntervalMs: authCheckInterval,
    authCheckGraceMs: values.authCheckGrace,
    timeouts: { providerMs: timeouts.provider, storeMs: timeouts.store },
    clockToleranceMs: clockTolerance,
    secret: mistakes.has('secret')
      ? undefined
      : (values.secret ?? environmentSecrets(env['OAUTH_MODULE_SECRET'], mistakes.at('secret'))),
    store: toSessionStore(values.store, timeouts.store),
    givenStore: previous === undefined ? values.store : previous.givenStore,
    headers: headersConfig(values, providers),
    providers,
    logger: createLogger(values.logger),
  }
}

/** The options that are the same in the configuration. */
function sameInConfig(values: OptionValues) {
  const { enabled, optionsPassthrough, unauthenticated, userProperty, id } = values
  const { authCheckEarly, reportOnly, authorize, rulesVersion, sessionsPerUser } = values
  const { pages, onError, logout } = values
  return {
    ...{ enabled, optionsPassthrough, unauthenticated, userProperty, id },
    ...{ authCheckEarly, reportOnly, authorize, rulesVersion, sessionsPerUser },
    ...{ pages, onError, logout },
  }
}

function cookieConfig(cookie: OptionValues['cookie']): Config['cookie'] {
  return {
    domain: cookie?.domain,
    sameSite: cookie?.sameSite ?? 'Lax',
    secure: cookie?.secure,
    path: cookie?.path,
  }
}

function parseBaseUrl(baseUrl: string | undefined): Config['baseUrl'] {
  if (baseUrl === undefined) return undefined
  const { origin, pathname } = new URL(baseUrl)
  return { origin, path: pathname.replace(/\/+$/, '') }
}

function headersConfig(
  { headerPrefix, forwardTokens = headerPrefix === 'ngrok-auth-' }: OptionValues,
  providers: readonly Provider[],
): UpstreamHeadersConfig {
  const namesOf = (test: (provider: Provider) => boolean) =>
    new Set(providers.filter(test).map(({ name }) => name))
  return {
    headerPrefix,
    forwardTokens: forwardTokens === true ? 'all' : forwardTokens === 'access' ? 'access' : 'none',
    hasSeveralProviders: providers.length > 1,
    trustsEmailOf: namesOf(trustsEmail),
    managed: namesOf(({ isManaged }) => isManaged),
  }
}
