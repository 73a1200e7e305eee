import cluster from 'node:cluster'
import { randomBytes } from 'node:crypto'
import { debuglog } from 'node:util'
import type { Authorize } from './flows/identify.js'
import type { LogoutBehaviour } from './flows/logout.js'
import { isBelow, isLoopback, isSafeMount, isSafePath } from './http/request.js'
import type { OnError } from './owner-error.js'
import type { PagesOption } from './page-contexts.js'
import { ruleLists, type Rules } from './policy.js'
import { parseProviders, type Provider, readRules, refuseWhatCannotBeMet, trustsEmail } from './provider-options.js'
import type { BuiltinName, ProviderMap } from './providers/index.js'
import { type OptionReader, readOptions } from './read.js'
import { isCookieStore } from './session/cookie-store.js'
import { type ExpressSessionStore, expressSessionStore, isExpressSessionStore } from './session/express-session.js'
import { memoryStore } from './session/memory-store.js'
import type { Lifetimes } from './session/session.js'
import type { SessionStore } from './session/store.js'
import { headerPresets, type UpstreamHeadersConfig } from './upstream-headers.js'

/** Takes messages; never sees a secret. */
export interface Logger {
  debug(message: string, facts?: object): void
  info(message: string, facts?: object): void
  warn(message: string, facts?: object): void
  error(message: string, facts?: object): void
}

export type { Authorize }

export type { OnError }

/** Options of `oauthModule()`. All times are in seconds. */
export interface OAuthModuleOptions {
  /** One or more identity providers; several give a sign-in page with a button each. */
  provider: BuiltinName | ProviderMap
  /** `false`: nothing is enforced and no special path exists; identity headers from the client are still removed. Default `true`. */
  enabled?: boolean | undefined
  /** Do not enforce a login on OPTIONS requests. Default `false`. */
  optionsPassthrough?: boolean | undefined
  /** Of the names of our cookies. Letters, digits, `.`, `_` and `-`. Default `'ngrok.'`. */
  cookiePrefix?: string | undefined
  /** Seconds without a request after which the user must log in again. Default `0`: none. */
  inactivityTimeout?: number | undefined
  /** Seconds that a session lasts at most. Default `0`: no limit of its own. */
  maximumDuration?: number | undefined
  /**
   * A request after this many seconds re-reads the user from the provider and asks every rule again before it passes.
   * Default `0`: only at login.
   */
  authCheckInterval?: number | undefined
  /** Seconds past the due time that requests pass on the old verdict while the provider is down. Default `0`. */
  authCheckGrace?: number | undefined
  /** Start a check in the background in the last fifth of an interval of a minute or more. Default `true`. */
  authCheckEarly?: boolean | undefined
  /**
   * Seals login state and stored tokens: 32 characters at least. The first seals, all open, so that a secret can be
   * rotated. Default: `OAUTH_MODULE_SECRET` (commas separate several).
   */
  secret?: string | readonly string[] | undefined
  /** The public URL of the mount point. Default: from the request. */
  baseUrl?: string | undefined
  /** The special paths, below the mount. Default `'/auth'`. */
  basePath?: string | undefined
  /** Names of the upstream headers: a prefix, a preset (`'oauth2-proxy'`, `'oauth2-proxy-nginx'`), or `false` for none. Default `'ngrok-auth-'`. */
  headerPrefix?: string | false | undefined
  /** Whether tokens are among the upstream headers. Default `true` with ngrok's names, else `false`. */
  forwardTokens?: boolean | 'access' | undefined
  /** Whether `req.user` is set. Default `true`. */
  userProperty?: boolean | undefined
  /** Where sessions live: a store of ours, one of your own, or any store made for express-session. Default {@link memoryStore}. */
  store?: SessionStore | ExpressSessionStore | undefined
  /** A rule of one's own, on top of the lists. 5 seconds at most; throwing refuses the request. */
  authorize?: Authorize | undefined
  /** Stands for a changed `authorize`: another version makes everybody be checked again. */
  rulesVersion?: string | undefined
  /** Rules tried beside the real ones: they change nothing, and whom they would refuse is told by the event `denied`. */
  reportOnly?: (Rules & { authorize?: Authorize | undefined }) | undefined
  /** A login beyond so many ends the user's oldest session. Default: no limit. Needs a store that can list. */
  sessionsPerUser?: number | undefined
  /** What happens to a request without a session. Default `'auto'`: navigations are redirected, others get 401. */
  unauthenticated?: 'auto' | 'redirect' | 'reject' | 'pass' | undefined
  /** What logging out does beyond this session. */
  logout?: {
    /** Revoke the tokens at the provider, where it can. Never those of a managed application. Default `false`. */
    revokeTokens?: boolean | undefined
    /** End the session at the provider as well (RP-Initiated Logout 1.0), where it can. Default `false`. */
    endProviderSession?: boolean | undefined
    /** A path of this site to go to. Default: our page. */
    returnTo?: string | undefined
  } | undefined
  /** Attributes of the session cookie. Default: this host, `Lax`, `Secure` by scheme, the mount path. */
  cookie?: {
    domain?: string | undefined
    sameSite?: 'Lax' | 'None' | undefined
    secure?: boolean | undefined
    path?: string | undefined
  } | undefined
  /** Pages of one's own. */
  pages?: PagesOption | undefined
  /** Instances with the same id, store and secret share logins. Default: the mount path. */
  id?: string | undefined
  /** Seconds for a whole exchange with the provider (default 10), and for one store operation (default 2). */
  timeouts?: { provider?: number | undefined; store?: number | undefined } | undefined
  /** Seconds that clocks may differ. Default `30`. */
  clockTolerance?: number | undefined
  /** Takes over error answers: within 5 seconds, else the built-in one is sent. */
  onError?: OnError | undefined
  /** Default: `NODE_DEBUG=oauth-module`, and process warnings. */
  logger?: Logger | undefined
}

/** The options, checked, with their defaults; times in milliseconds. */
export interface Config {
  readonly isEnabled: boolean
  readonly passesOptions: boolean
  readonly unauthenticated: 'auto' | 'redirect' | 'reject' | 'pass'
  readonly setsUser: boolean
  readonly id: string | undefined
  readonly publicUrl: { readonly origin: string; readonly path: string } | undefined
  readonly basePath: string
  readonly cookie: CookieConfig
  readonly lifetimes: Lifetimes
  readonly check: { readonly interval: number; readonly grace: number; readonly isEarly: boolean }
  readonly trial: (Rules & { authorize?: Authorize | undefined }) | undefined
  readonly secrets: readonly string[]
  readonly headers: UpstreamHeadersConfig
  readonly providers: readonly Provider[]
  readonly authorize: Authorize | undefined
  readonly rulesVersion: string | undefined
  readonly store: SessionStore
  /** The store as it was given. */
  readonly givenStore: unknown
  readonly pages: PagesOption | undefined
  readonly onError: OnError | undefined
  readonly logger: Logger
  readonly storeTimeout: number
  readonly clockTolerance: number
  readonly logout: LogoutBehaviour
  readonly sessionsPerUser: number | undefined
}

export interface CookieConfig {
  readonly prefix: string
  readonly domain: string | undefined
  readonly sameSite: 'lax' | 'none'
  readonly secure: boolean | undefined
  readonly path: string | undefined
}

const knownOptions = [
  'provider', 'enabled', 'optionsPassthrough', 'cookiePrefix', 'inactivityTimeout', 'maximumDuration',
  'authCheckInterval', 'authCheckGrace', 'authCheckEarly', 'reportOnly', 'secret', 'baseUrl', 'basePath',
  'headerPrefix', 'forwardTokens', 'userProperty', 'store', 'authorize', 'rulesVersion', 'unauthenticated', 'sessionsPerUser', 'logout', 'cookie', 'pages',
  'id', 'timeouts', 'clockTolerance', 'onError', 'logger',
]

type Env = Readonly<Record<string, string | undefined>>

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
    id: read.text('id', { pattern: /^[\x21\x23-\x5b\x5d-\x7e]+$/, cure: 'must hold only visible ASCII characters, no quotes or backslashes', max: 128 }),
    publicUrl: readPublicUrl(read),
    basePath: readBasePath(read),
    cookie: readCookie(read),
    lifetimes: {
      inactivityTimeout: read.seconds('inactivityTimeout', 0) * 1000,
      maximumDuration: read.seconds('maximumDuration', 0) * 1000,
    },
    check: { interval, grace: read.seconds('authCheckGrace', 0) * 1000, isEarly: read.boolean('authCheckEarly', true) },
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
  if (!isSafeMount(path)) read.fail('baseUrl', 'has a path that no cookie can have: no semicolons, no doubled slashes')
  return { origin: url.origin, path }
}

function readBasePath(read: OptionReader): string {
  const cure = "must be a path such as '/auth': letters, digits, dashes and slashes, no slash at the end"
  return read.text('basePath', { pattern: /^(?:\/[a-zA-Z0-9_-]+)+$/, cure, max: 128 }) ?? '/auth'
}

function readCookie(read: OptionReader): CookieConfig {
  const prefix = read.text('cookiePrefix', {
    pattern: /^[A-Za-z0-9._-]+$/,
    cure: 'must hold only letters, digits, dots, dashes and underscores',
    max: 64,
  })
  if (prefix !== undefined && /^__(?:host|secure)-/i.test(prefix)) read.fail('cookiePrefix', 'must not start with __Host- or __Secure-: these are added by themselves over https')
  const options = read.object('cookie')
  options?.only(['domain', 'sameSite', 'secure', 'path'])
  const sameSite = options?.oneOf('sameSite', ['Lax', 'None'], 'Lax') ?? 'Lax'
  const path = options?.text('path', { pattern: /^\/[\x21-\x3a\x3c-\x7e]*$/, cure: 'must be a path that starts with a slash', max: 512 })
  const domain = options?.text('domain', { pattern: /^\.?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i, cure: "must be a domain, as in 'example.com'", max: 253 })
  const secure = options?.has('secure') ? options.boolean('secure', true) : undefined
  if (sameSite === 'None' && secure === false) options?.fail('sameSite', "cannot be 'None' without Secure: browsers drop such a cookie")
  return { prefix: prefix ?? 'ngrok.', domain, sameSite: sameSite === 'None' ? 'none' : 'lax', secure, path }
}

function readSecrets(read: OptionReader, env: Env, logger: Logger): string[] {
  const given = read.has('secret') ? read.value('secret') : (env['OAUTH_MODULE_SECRET'] || undefined)?.split(',').map((part) => part.trim())
  if (given === undefined) {
    if (env['NODE_ENV'] === 'production') {
      read.fail('secret', 'is missing: in production set it, or OAUTH_MODULE_SECRET, to 32 random characters or more, as from `openssl rand -hex 32`')
    }
    logger.warn('no secret is set: a random one is used, and logins under way do not survive a restart. Set the option secret or OAUTH_MODULE_SECRET.')
    return [randomBytes(32).toString('hex')]
  }
  const secrets: unknown[] = Array.isArray(given) ? given : [given]
  if (secrets.length === 0) read.fail('secret', 'is an empty list')
  const texts = secrets.map((secret) => {
    if (typeof secret !== 'string') return read.fail('secret', 'must be a text or a list of texts')
    return secret.length >= 32 ? secret : read.fail('secret', 'must have 32 characters at least, as from `openssl rand -hex 32`')
  })
  if (new Set(texts).size !== texts.length) read.fail('secret', 'names the same secret twice')
  return texts
}

function readHeaders(read: OptionReader, providers: readonly Provider[]): UpstreamHeadersConfig {
  const headerPrefix = read.value('headerPrefix') === false ? false : readHeaderPrefix(read)
  const forward = read.has('forwardTokens') ? read.value('forwardTokens') : headerPrefix === 'ngrok-auth-'
  if (forward !== true && forward !== false && forward !== 'access') read.fail('forwardTokens', "must be true, 'access' or false")
  if (forward !== false && headerPrefix === false) read.fail('forwardTokens', 'has no meaning with headerPrefix: false: there are no headers')
  const namesOf = (test: (provider: Provider) => boolean) => new Set(providers.filter(test).map(({ name }) => name))
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
  if (headerPresets.includes(prefix) || /^[a-z0-9]+(?:-[a-z0-9]+)+-$/.test(prefix)) return prefix
  return read.fail('headerPrefix', `must be lower case, have two segments at least and end in a dash, as in 'x-acme-', or be one of ${headerPresets.join(', ')}, or false`)
}

function readStore(read: OptionReader, env: Env, logger: Logger, timeout: number): SessionStore {
  const store = read.value('store')
  if (isExpressSessionStore(store)) return expressSessionStore(store, { timeout })
  if (store !== undefined) {
    const missing = ['get', 'set', 'update', 'delete'].filter((method) => typeof (store as Record<string, unknown> | null)?.[method] !== 'function')
    if (missing.length > 0) read.fail('store', `is no session store: it lacks ${missing.join(', ')}`)
    return store as SessionStore
  }
  if (cluster.isWorker) read.fail('store', 'is missing: under node:cluster each worker would have sessions of its own. Set a store that the workers share')
  if (env['NODE_ENV'] === 'production') {
    logger.warn('sessions live in the memory of this process: they end with it and are not shared with others. Set the option store.')
  }
  return memoryStore()
}

function readPages(read: OptionReader): PagesOption | undefined {
  const pages = read.object('pages')
  if (pages === undefined) return undefined
  const names = ['signIn', 'error', 'denied', 'signedOut']
  pages.only(names)
  for (const name of names) pages.function(name)
  return read.value('pages') as PagesOption
}

function readLogout(read: OptionReader): LogoutBehaviour {
  const logout = read.object('logout')
  logout?.only(['revokeTokens', 'endProviderSession', 'returnTo'])
  const returnPath = logout?.text('returnTo')
  if (returnPath !== undefined && !isSafePath(returnPath)) logout?.fail('returnTo', 'must be a path of this site, such as /bye')
  return {
    returnPath,
    revokesTokens: logout?.boolean('revokeTokens', false) ?? false,
    endsProviderSession: logout?.boolean('endProviderSession', false) ?? false,
  }
}

function readSessionsPerUser(read: OptionReader): number | undefined {
  const count = read.value('sessionsPerUser')
  if (count === undefined) return undefined
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1) return read.fail('sessionsPerUser', 'must be a whole number above 0')
  return count
}

function readTrial(read: OptionReader, providers: readonly Provider[]): Config['trial'] {
  const trial = read.object('reportOnly')
  if (trial === undefined) return undefined
  trial.only([...ruleLists, 'authorize'])
  const lists = readRules(trial)
  const authorize = trial.function('authorize') as Authorize | undefined
  if (authorize === undefined && ruleLists.every((list) => lists[list] === undefined)) read.fail('reportOnly', 'holds no rule: leave it out if nothing is to be tried')
  refuseWhatCannotBeMet(trial, lists, providers)
  return { ...lists, authorize }
}

function readLogger(read: OptionReader): Logger {
  const logger = read.value('logger')
  if (logger === undefined) return defaultLogger()
  for (const method of ['debug', 'info', 'warn', 'error']) {
    if (typeof (logger as Record<string, unknown> | null)?.[method] !== 'function') read.fail('logger', 'must have the methods debug, info, warn and error')
  }
  return sheltered(logger as Logger)
}

/** A logger that throws or rejects must not fail a request, nor end the process beside one. */
function sheltered(logger: Logger): Logger {
  const shelter = (level: keyof Logger) => (message: string, facts?: object) => {
    new Promise((resolve) => resolve(logger[level](message, facts))).catch(() => undefined)
  }
  return { debug: shelter('debug'), info: shelter('info'), warn: shelter('warn'), error: shelter('error') }
}

function defaultLogger(): Logger {
  const log = debuglog('oauth-module')
  const write = (level: string) => (message: string, facts?: object) => log('%s: %s %j', level, message, facts ?? {})
  return {
    debug: write('debug'),
    info: write('info'),
    warn: (message) => process.emitWarning(message, { type: 'OAuthModuleWarning' }),
    error: write('error'),
  }
}

function checkTogether(read: OptionReader, config: Config): void {
  const { cookie, publicUrl, lifetimes, check, store, sessionsPerUser } = config
  if (check.grace > 0 && check.interval === 0) read.fail('authCheckGrace', 'has no meaning without authCheckInterval')
  const isHttps = publicUrl?.origin.startsWith('https:')
  if (cookie.sameSite === 'none' && isHttps === false) read.fail('cookie.sameSite', "cannot be 'None' with an http baseUrl: browsers drop such a cookie")
  if (cookie.secure === true && isHttps === false && !isLoopback(new URL(publicUrl?.origin ?? '').hostname)) {
    read.fail('cookie.secure', 'cannot be true with an http baseUrl: the browser would not send the cookie')
  }
  if (lifetimes.maximumDuration > 0 && lifetimes.inactivityTimeout > lifetimes.maximumDuration) {
    read.fail('inactivityTimeout', 'must not be longer than maximumDuration')
  }
  checkAddresses(read, config)
  if (sessionsPerUser !== undefined && store.entries === undefined) read.fail('sessionsPerUser', 'needs a store that can list its sessions: this one cannot')
}

/** What these name must reach the public URL, or every login would begin another one. */
function checkAddresses(read: OptionReader, { cookie, publicUrl, basePath, logout: { returnPath } }: Config): void {
  if (returnPath !== undefined) {
    const path = returnPath.split(/[?#]/, 1)[0] ?? ''
    const mount = publicUrl?.path ?? ''
    if (isBelow(path, basePath) || isBelow(path, `${mount}${basePath}`)) read.fail('logout.returnTo', 'must not be one of the special paths: leave it out to show the signed-out page')
  }
  if (publicUrl === undefined) return
  const { hostname } = new URL(publicUrl.origin)
  const domain = cookie.domain?.replace(/^\./, '').toLowerCase()
  if (domain !== undefined && hostname !== domain && !hostname.endsWith(`.${domain}`)) {
    read.fail('cookie.domain', 'must be the host of baseUrl or a domain around it: the browser would refuse the cookie')
  }
  const mount = publicUrl.path === '' ? '/' : publicUrl.path
  const { path = mount } = cookie
  if (path !== mount && !mount.startsWith(path.endsWith('/') ? path : `${path}/`)) {
    read.fail('cookie.path', 'must be the path of baseUrl or one around it: the browser would not send the cookie there')
  }
}

function announce({ providers, authorize, logger, store, lifetimes }: Config, env: Env): void {
  const isOpen = ({ rules, restriction }: Provider) => restriction === undefined && ruleLists.every((list) => rules[list] === undefined)
  const open = providers.filter(isOpen).map(({ name }) => name)
  if (open.length > 0 && authorize === undefined) {
    logger.info(`everyone who can log in at ${open.join(', ')} may pass: no rule is set`)
  }
  if (isCookieStore(store) && env['NODE_ENV'] === 'production' && lifetimes.maximumDuration === 0) {
    logger.warn('with cookieStore() a copied cookie is good until the session\'s own limits, and there is none: set maximumDuration, and inactivityTimeout')
  }
}
