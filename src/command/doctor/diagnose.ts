import { createConnections, type Connection } from '../../flows/connection.js'
import type { Config, Env } from '../../options/config.js'
import type { OAuthModuleOptions } from '../../options/options.js'
import { checkAuthorization } from './authorization-check.js'
import { checkedIssuers, checkIssuer } from './bearer-check.js'
import { publicUrl, redirectUriOf } from './connection-context.js'
import { checkCookies } from './cookies-check.js'
import { checkCredentials } from './credentials-check.js'
import { CHECKS, type Finding, note, type Problem } from './finding.js'
import { type CheckedOptions, checkOptions, type Locate, mistakesOf } from './options-check.js'
import { checkListedScopes, checkProvider } from './provider-check.js'
import { checkPublicUrl } from './public-url-check.js'
import { introspectionSecrets, knownSecrets, withoutSecrets } from './redact.js'
import { checkRules } from './rules-check.js'
import { runCheck } from './run-check.js'
import { checkSecret } from './secret-check.js'
import { checkStore, redisUrl } from './store-check.js'
import { checkTarget, type Listen } from './target-check.js'

/** What the doctor examines: the configuration of the command, as it was loaded. */
export interface DoctorConfiguration {
  /**
   * The options from JSON, without a store for a URL: the doctor connects to it itself. A function
   * may throw the mistakes of the conversion: they become findings.
   */
  readonly options: OAuthModuleOptions | (() => OAuthModuleOptions)
  /** The options as JSON. Only `store` is read: a name or a URL. */
  readonly json: { readonly store?: unknown }
  /** Where the command forwards requests. Default: not checked. */
  readonly target?: URL | undefined
  /** Where the command listens. Default: the public URL is known only from `baseUrl`. */
  readonly listen?: Listen | undefined
  /** Adds to a message about an option where it was set. Default: messages stay as they are. */
  readonly locate?: Locate | undefined
  /** Default: the environment of this process. */
  readonly env?: Env | undefined
}

/**
 * Tests a configuration against its provider, its store, its public URL and its target. Every check
 * has a time limit. Never rejects, changes nothing, and signs in no one. The findings contain no
 * secret. Without errors and warnings, nothing is known to be wrong.
 */
export async function diagnose(configuration: DoctorConfiguration): Promise<Finding[]> {
  const { json, target, listen, env = process.env } = configuration
  const { given, problems, config } = readOptions(configuration, env)
  const results = await Promise.all([
    runCheck('options', undefined, () => problems),
    runCheck('secret', undefined, () =>
      given === undefined ? [] : checkSecret(given.secret, env, clientSecrets(config)),
    ),
    runCheck('store', undefined, () => checkStore(json.store, env)),
    runCheck('target', undefined, () => (target === undefined ? [] : checkTarget(target, listen))),
    ...(config === undefined ? [] : checksOf(config, listen)),
  ])
  const findings = results.flat()
  const order = (finding: Finding) => CHECKS.indexOf(finding.check)
  findings.sort((one, other) => order(one) - order(other))
  return withoutSecrets(findings, knownSecrets(config, given, json.store, env))
}

/** The checks that need valid options. */
function checksOf(config: Config, listen: Listen | undefined): Promise<Finding[]>[] {
  const url = publicUrl(config, listen)
  const connections = createConnections(config, new WeakMap(), config.logger)
  // The development provider runs only while a gate uses it.
  const checked = [...connections.values()].filter(
    ({ provider }) => config.devProvider === undefined || provider.name !== 'dev',
  )
  const [first] = connections.values()
  return [
    runCheck('cookies', undefined, () => checkCookies(config, url)),
    ...checked.map((connection) => checkConnection(connection, config, listen)),
    ...checkedIssuers(config).map((one) =>
      runCheck('bearer', one.issuer, () => checkIssuer(one, config)),
    ),
    runCheck('public-url', undefined, () =>
      first === undefined ? [] : publicUrlProblems(config, first, listen),
    ),
  ]
}

async function publicUrlProblems(
  config: Config,
  connection: Connection,
  listen: Listen | undefined,
): Promise<Problem[]> {
  const url = publicUrl(config, listen)
  const redirectUri = redirectUriOf(config, connection, listen)
  if (url === undefined || redirectUri === undefined)
    return [
      note(
        'public_url_unknown',
        'the public URL is not known, so that the redirect URI, the cookies and the proxy headers could not be checked',
        'set baseUrl',
      ),
    ]
  if (!config.enabled) return []
  const { name, clientId } = connection.provider
  const { basePath, bearer } = config
  return checkPublicUrl({
    ...{ publicUrl: url, basePath, redirectUri, provider: name, clientId },
    resource: bearer && (bearer.resource ?? url),
  })
}

/** All checks of one provider: the later ones need what the first has found. */
async function checkConnection(
  connection: Connection,
  config: Config,
  listen: Listen | undefined,
): Promise<Finding[]> {
  const { provider } = connection
  const { name } = provider
  const redirectUri = redirectUriOf(config, connection, listen)
  let isReachable = false
  const findings = await Promise.all([
    runCheck('rules', name, () => checkRules(provider)),
    runCheck('provider', name, async () => {
      const { problems, metadata, ...checked } = await checkProvider(provider)
      isReachable = metadata !== undefined && checked.isReachable
      return [...problems, ...(metadata === undefined ? [] : checkListedScopes(provider, metadata))]
    }),
  ])
  if (redirectUri === undefined || !isReachable) return findings.flat()
  const later = await Promise.all([
    runCheck('authorization', name, async () => [
      note(
        'redirect_uri',
        `the redirect URI of ${name} is ${redirectUri}`,
        'register exactly this one at the provider',
      ),
      ...(await checkAuthorization(connection, redirectUri)),
    ]),
    runCheck('credentials', name, () => checkCredentials(connection, redirectUri)),
  ])
  return [...findings, ...later].flat()
}

interface ReadOptions extends CheckedOptions {
  /** `undefined` if they could not be converted. */
  readonly given: OAuthModuleOptions | undefined
}

function readOptions({ options, json, locate }: DoctorConfiguration, env: Env): ReadOptions {
  const hasOtherStore = redisUrl(json.store) !== undefined
  try {
    const given = typeof options === 'function' ? options() : options
    return { given, ...checkOptions(given, env, hasOtherStore, locate) }
  } catch (thrown) {
    return { given: undefined, problems: mistakesOf(thrown, locate), config: undefined }
  }
}

function clientSecrets(config: Config | undefined): readonly string[] {
  const { providers = [], bearer } = config ?? {}
  return [
    ...providers.flatMap(({ clientSecret }) => clientSecret ?? []),
    ...introspectionSecrets(bearer),
  ]
}
