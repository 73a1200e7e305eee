import cluster from 'node:cluster'
import { randomBytes } from 'node:crypto'
import type { Authorize } from '../access/authorize.js'
import type { LogoutBehavior } from '../flows/logout.js'
import { isUnderPath, isSafeMountPath, isSafePath } from '../http/paths.js'
import { isLoopback } from '../http/origin.js'
import { readLogger } from './logger.js'
import {
  type Config,
  type CookieConfig,
  headerPresets,
  isHeaderPreset,
  type Logger,
  type OAuthModuleOptions,
  type OnError,
  type UpstreamHeadersConfig,
} from './options.js'
import type { PagesOption } from '../pages/contexts.js'
import { REPLACEABLE_PAGES } from '../pages/pages.js'
import { ruleLists } from '../access/rules.js'
import { type Provider, trustsEmail } from '../access/provider.js'
import { readRules, refuseWhatCannotBeMet } from '../access/read-rules.js'
import { parseProviders } from '../providers/parse-provider.js'
import { type OptionReader, readOptions } from '../schema.js'
import { isCookieStore } from '../session/stores/cookie-store.js'
import {
  ExpressSessionStoreAdapter,
  isExpressSessionStore,
  isRedisClient,
} from '../session/stores/express-session-store.js'
import { memoryStore } from '../session/stores/memory-store.js'
import type { SessionStore } from '../session/stores/store.js'

const knownOptions = [
  'provider',
  'enabled',
  'optionsPassthrough',
  'cookiePrefix',
  'inactivityTimeout',
  'maximumDuration',
  'authCheckInterval',
  'authCheckGrace',
  'authCheckEarly',
  'reportOnly',
  'secret',
  'baseUrl',
  'basePath',
  'headerPrefix',
  'forwardTokens',
  'userProperty',
  'store',
  'authorize',
  'rulesVersion',
  'unauthenticated',
  'sessionsPerUser',
  'logout',
  'cookie',
  'pages',
  'id',
  'timeouts',
  'clockTolerance',
  'onError',
  'logger',
]

type Env = Readonly<Record<string, string | undefined>>

/** Checks everything, and throws a `TypeError` that names the option and the cure; needs no network. */
export function parseOptions(options: OAuthModuleOptions, env: Env = process.env): Config {
  const read = readOptions(options, 'oauthModule')
  read.only(knownOptions)
  const timeouts = read.object('timeouts')
  timeouts?.only(['provider', 'store'])
  const storeTimeout = (timeouts?.seconds('store', 2, { min: 0.01, max: 60 }) ?? 2) * 1000
  const clockTolerance = read.seconds('clockTolerance', 30, { max: 600 })
  const logger = readLogger(read)
  const interval = read.seconds('authCheckInterval', 0) * 1000
  const providers = parseProviders(options.provider, {
    env,
    timeout: (timeouts?.seconds('provider', 10, { min: 0.05, max: 300 }) ?? 10) * 1000,
    clockTolerance,
    offlineAccess: interval > 0,
  })
  const config: Config = {
    isEnabled: read.boolean('enabled', true),
    passesOptions: read.boolean('optionsPassthrough', false),
    unauthenticated: read.oneOf('unauthenticated', ['auto', 'redirect', 'reject', 'pass'], 'auto'),
    setsUser: read.boolean('userProperty', true),
    id: read.text('id', {
      pattern: /^[\x21\x23-\x5b\x5d-\x7e]+$/,
      cure: 'must hold only visible ASCII characters, no quotes or backslashes',
      max: 128,
    }),
    publicUrl: readPublicUrl(read),
    basePath: readBasePath(read),
    cookie: readCookie(read),
    lifetimes: {
      inactivityTimeout: read.seconds('inactivityTimeout', 0) * 1000,
      maximumDuration: read.seconds('maximumDuration', 0) * 1000,
    },
    check: {
      interval,
      grace: read.seconds('authCheckGrace', 0) * 1000,
      isEarly: read.boolean('authCheckEarly', true),
    },
    trial: readTrial(read, providers),
    secrets: readSecrets(read, env, logger),
    headers: readHeaders(read, providers),
    providers,
    authorize: read.function('authorize') as Authorize | undefined,
    rulesVersion: read.text('rulesVersion', { max: 256 }),
    store: readStore(read, env, logger, storeTimeout),
    givenStore: options.store,
    pages: readPages(read),
    onError: read.function('onError') as OnError | undefined,
    logger,
    storeTimeout,
    clockTolerance: clockTolerance * 1000,
    logout: readLogout(read),
    sessionsPerUser: readSessionsPerUser(read),
  }
  checkTogether(read, config)
  announce(config, env)
  return config
}

function readPublicUrl(read: OptionReader): Config['publicUrl'] {
  const url = read.url('baseUrl')
  if (url === undefined) return undefined
  if (url.search !== '') read.fail('baseUrl', 'must not hold a query')
  const path = url.pathname.replace(/\/+$/, '')
  if (!isSafeMountPath(path))
    read.fail('baseUrl', 'has a path that no cookie can have: no semicolons, no doubled slashes')
  return { origin: url.origin, path }
}

function readBasePath(read: OptionReader): string {
  const cure =
    "must be a path such as '/auth': letters, digits, dashes and slashes, no slash at the end"
  return read.text('basePath', { pattern: /^(?:\/[a-zA-Z0-9_-]+)+$/, cure, max: 128 }) ?? '/auth'
}

function readCookie(read: OptionReader): CookieConfig {
  const prefix = read.text('cookiePrefix', {
    pattern: /^[A-Za-z0-9._-]+$/,
    cure: 'must hold only letters, digits, dots, dashes and underscores',
    max: 64,
  })
  if (prefix !== undefined && /^__(?:host|secure)-/i.test(prefix))
    read.fail(
      'cookiePrefix',
      'must not start with __Host- or __Secure-: these are added by themselves over https',
    )
  const options = read.object('cookie')
  options?.only(['domain', 'sameSite', 'secure', 'path'])
  const sameSite = options?.oneOf('sameSite', ['Lax', 'None'], 'Lax') ?? 'Lax'
  const path = options?.text('path', {
    pattern: /^\/[\x21-\x3a\x3c-\x7e]*$/,
    cure: 'must be a path that starts with a slash',
    max: 512,
  })
  const isPath =
    path === undefined ||
    (isSafeMountPath(path.replace(/\/$/, '')) &&
      new URL(path, 'http://origin.invalid').pathname === path)
  if (!isPath)
    options?.fail(
      'path',
      'is one that no request has: no query, no doubled slashes, no dot segments',
    )
  const domain = options?.text('domain', {
    pattern:
      /^\.?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i,
    cure: "must be a domain, as in 'example.com'",
    max: 253,
  })
  const secure = options?.has('secure') ? options.boolean('secure', true) : undefined
  if (sameSite === 'None' && secure === false)
    options?.fail('sameSite', "cannot be 'None' without Secure: browsers drop such a cookie")
  return {
    prefix: prefix ?? 'ngrok.',
    domain,
    sameSite: sameSite === 'None' ? 'none' : 'lax',
    secure,
    path,
  }
}

function readSecrets(read: OptionReader, env: Env, logger: Logger): string[] {
  const isOption = read.has('secret')
  const given = isOption
    ? read.value('secret')
    : (env['OAUTH_MODULE_SECRET'] || undefined)?.split(',').map((part) => part.trim())
  if (given === undefined) {
    if (env['NODE_ENV'] === 'production') {
      read.fail(
        'secret',
        'is missing: in production set it, or OAUTH_MODULE_SECRET, to 32 random characters or more, as from `openssl rand -hex 32`',
      )
    }
    logger.warn(
      'no secret is set: a random one is used, and logins under way do not survive a restart. Set the option secret or OAUTH_MODULE_SECRET.',
    )
    return [randomBytes(32).toString('hex')]
  }
  const secrets: unknown[] = Array.isArray(given) ? given : [given]
  if (secrets.length === 0) read.fail('secret', 'is an empty list')
  const texts = secrets.map((secret) => {
    if (typeof secret !== 'string') return read.fail('secret', 'must be a text or a list of texts')
    return secret.trim().length >= 32
      ? secret
      : read.fail(
          'secret',
          `${isOption ? '' : 'from OAUTH_MODULE_SECRET, where commas separate several, '}must have 32 characters at least, as from \`openssl rand -hex 32\``,
        )
  })
  if (new Set(texts).size !== texts.length) read.fail('secret', 'names the same secret twice')
  return texts
}

function readHeaders(read: OptionReader, providers: readonly Provider[]): UpstreamHeadersConfig {
  const headerPrefix = read.value('headerPrefix') === false ? false : readHeaderPrefix(read)
  const forward = read.has('forwardTokens')
    ? read.value('forwardTokens')
    : headerPrefix === 'ngrok-auth-'
  if (forward !== true && forward !== false && forward !== 'access')
    read.fail('forwardTokens', "must be true, 'access' or false")
  if (forward !== false && headerPrefix === false)
    read.fail('forwardTokens', 'has no meaning with headerPrefix: false: there are no headers')
  const namesOf = (test: (provider: Provider) => boolean) =>
    new Set(providers.filter(test).map(({ name }) => name))
  return {
    headerPrefix,
    forwardTokens: forward === true ? 'all' : forward === 'access' ? 'access' : 'none',
    hasSeveralProviders: providers.length > 1,
    trustsEmailOf: namesOf(trustsEmail),
    managed: namesOf(({ isManaged }) => isManaged),
  }
}

function readHeaderPrefix(read: OptionReader): string {
  const prefix = read.text('headerPrefix', { max: 64 }) ?? 'ngrok-auth-'
  if (isHeaderPreset(prefix) || /^[a-z0-9]+(?:-[a-z0-9]+)+-$/.test(prefix)) return prefix
  return read.fail(
    'headerPrefix',
    `must be lower case, have two segments at least and end in a dash, as in 'x-acme-', or be one of ${headerPresets.join(', ')}, or false`,
  )
}

function readStore(read: OptionReader, env: Env, logger: Logger, timeout: number): SessionStore {
  const store = read.value('store')
  if (isExpressSessionStore(store)) return new ExpressSessionStoreAdapter(store, timeout)
  if (isRedisClient(store))
    read.fail(
      'store',
      "is a client of Redis and no session store: give it to redisStore() of 'oauth-module/redis'",
    )
  if (store !== undefined) {
    const missing = ['get', 'set', 'update', 'delete'].filter(
      (method) => typeof (store as Record<string, unknown> | null)?.[method] !== 'function',
    )
    if (missing.length > 0)
      read.fail(
        'store',
        `is no session store: it lacks ${missing.join(', ')}. Call memoryStore() or cookieStore(), wrap a client of Redis in redisStore() of oauth-module/redis, or give an instance of an express-session store`,
      )
    return store as SessionStore
  }
  if (cluster.isWorker)
    read.fail(
      'store',
      'is missing: under node:cluster each worker would have sessions of its own. Set a store that the workers share',
    )
  if (env['NODE_ENV'] === 'production') {
    logger.warn(
      'sessions live in the memory of this process: they end with it and are not shared with others. Set the option store.',
    )
  }
  return memoryStore()
}

function readPages(read: OptionReader): PagesOption | undefined {
  const pages = read.object('pages')
  if (pages === undefined) return undefined
  pages.only(REPLACEABLE_PAGES)
  for (const name of REPLACEABLE_PAGES) pages.function(name)
  return read.value('pages') as PagesOption
}

function readLogout(read: OptionReader): LogoutBehavior {
  const logout = read.object('logout')
  logout?.only(['revokeTokens', 'endProviderSession', 'returnTo'])
  const returnPath = logout?.text('returnTo')
  if (returnPath !== undefined && !isSafePath(returnPath))
    logout?.fail('returnTo', 'must be a path of this site, such as /bye')
  return {
    returnPath,
    revokesTokens: logout?.boolean('revokeTokens', false) ?? false,
    endsProviderSession: logout?.boolean('endProviderSession', false) ?? false,
  }
}

function readSessionsPerUser(read: OptionReader): number | undefined {
  const count = read.value('sessionsPerUser')
  if (count === undefined) return undefined
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1)
    return read.fail('sessionsPerUser', 'must be a whole number above 0')
  return count
}

function readTrial(read: OptionReader, providers: readonly Provider[]): Config['trial'] {
  const trial = read.object('reportOnly')
  if (trial === undefined) return undefined
  trial.only([...ruleLists, 'authorize'])
  const lists = readRules(trial)
  const authorize = trial.function('authorize') as Authorize | undefined
  if (authorize === undefined && ruleLists.every((list) => lists[list] === undefined))
    read.fail('reportOnly', 'holds no rule: leave it out if nothing is to be tried')
  refuseWhatCannotBeMet(trial, lists, providers)
  return { ...lists, authorize }
}

function checkTogether(read: OptionReader, config: Config): void {
  const { cookie, publicUrl, lifetimes, check, store, sessionsPerUser } = config
  if (check.grace > 0 && check.interval === 0)
    read.fail('authCheckGrace', 'has no meaning without authCheckInterval')
  const isHttps = publicUrl?.origin.startsWith('https:')
  if (cookie.sameSite === 'none' && isHttps === false)
    read.fail(
      'cookie.sameSite',
      "cannot be 'None' with an http baseUrl: browsers drop such a cookie",
    )
  if (isHttps === false && !isLoopback(new URL(publicUrl?.origin ?? '').hostname)) {
    if (cookie.secure === true)
      read.fail(
        'cookie.secure',
        'cannot be true with an http baseUrl: the browser would not send the cookie',
      )
    if (cookie.secure === undefined)
      read.fail(
        'baseUrl',
        'is plain http, over which logins are refused: give the https address, or accept http with cookie.secure: false',
      )
  }
  if (lifetimes.maximumDuration > 0 && lifetimes.inactivityTimeout > lifetimes.maximumDuration) {
    read.fail('inactivityTimeout', 'must not be longer than maximumDuration')
  }
  checkAddresses(read, config)
  if (sessionsPerUser !== undefined && store.entries === undefined)
    read.fail('sessionsPerUser', 'needs a store that can list its sessions: this one cannot')
}

/** What these name must reach the public URL, or every login would begin another one. */
function checkAddresses(
  read: OptionReader,
  { cookie, publicUrl, basePath, logout: { returnPath } }: Config,
): void {
  if (returnPath !== undefined) {
    const path = returnPath.split(/[?#]/, 1)[0] ?? ''
    const mount = publicUrl?.path ?? ''
    if (isUnderPath(path, basePath) || isUnderPath(path, `${mount}${basePath}`))
      read.fail(
        'logout.returnTo',
        'must not be one of the special paths: leave it out to show the signed-out page',
      )
  }
  if (publicUrl === undefined) return
  if (publicUrl.path.endsWith(`${basePath}/callback`))
    read.fail(
      'baseUrl',
      `must be where the middleware is mounted, not the address of the callback: leave out ${basePath}/callback`,
    )
  const { hostname } = new URL(publicUrl.origin)
  const domain = cookie.domain?.replace(/^\./, '').toLowerCase()
  if (domain !== undefined && hostname !== domain && !hostname.endsWith(`.${domain}`)) {
    read.fail(
      'cookie.domain',
      'must be the host of baseUrl or a domain around it: the browser would refuse the cookie',
    )
  }
  const mount = publicUrl.path === '' ? '/' : publicUrl.path
  const { path = mount } = cookie
  if (path !== mount && !mount.startsWith(path.endsWith('/') ? path : `${path}/`)) {
    read.fail(
      'cookie.path',
      'must be the path of baseUrl or one around it: the browser would not send the cookie there',
    )
  }
}

function announce({ providers, authorize, logger, store, lifetimes }: Config, env: Env): void {
  const isOpen = ({ rules, restriction }: Provider) =>
    restriction === undefined && ruleLists.every((list) => rules[list] === undefined)
  const open = providers.filter(isOpen).map(({ name }) => name)
  if (open.length > 0 && authorize === undefined) {
    logger.info(`everyone who can log in at ${open.join(', ')} may pass: no rule is set`)
  }
  if (isCookieStore(store) && env['NODE_ENV'] === 'production' && lifetimes.maximumDuration === 0) {
    logger.warn(
      "with cookieStore() a copied cookie is good until the session's own limits, and there is none: set maximumDuration, and inactivityTimeout",
    )
  }
}
