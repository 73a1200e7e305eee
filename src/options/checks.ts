import cluster from 'node:cluster'
import { checkRulesCanBeMet } from '../access/provider.js'
import { hasRules } from '../access/rules.js'
import { isLoopback } from '../http/origin.js'
import { SpecialPaths } from '../http/special-paths.js'
import type { Mistakes } from '../schema/field.js'
import { checkCallbackPaths } from './callback-paths.js'
import type { ConfigDraft, Env } from './config.js'
import type { OAuthModuleOptions } from './options.js'
import { checkPresetRules } from './preset-rules.js'

interface Check {
  /** The option that the message names. */
  readonly at: string
  /** The check is skipped if one of these options has a mistake. */
  readonly of: readonly (keyof OAuthModuleOptions)[]
  /** How to fix the combination, or `undefined` if it is valid. */
  readonly check: (draft: ConfigDraft, env: Env) => string | undefined
}

/** Checks of options that depend on each other or on the environment. */
const checks: readonly Check[] = [
  {
    at: 'secret',
    of: ['secret'],
    check: ({ secret }, env) =>
      secret === undefined && env['NODE_ENV'] === 'production'
        ? 'is missing: in production set it, or OAUTH_MODULE_SECRET, to at least 32 random characters, as from `openssl rand -hex 32`'
        : undefined,
  },
  {
    at: 'store',
    of: ['store'],
    check: ({ store }) =>
      store === undefined && cluster.isWorker
        ? 'is missing: under node:cluster each worker would have its own sessions. Set a store that the workers share'
        : undefined,
  },
  {
    at: 'sessionsPerUser',
    of: ['sessionsPerUser', 'store'],
    check: ({ sessionsPerUser, store }) =>
      sessionsPerUser !== undefined && store !== undefined && store.entries === undefined
        ? 'needs a store that can list its sessions: this one cannot'
        : undefined,
  },
  {
    at: 'authCheckGrace',
    of: ['authCheckGrace', 'authCheckInterval'],
    check: ({ authCheckGraceMs, authCheckIntervalMs }) =>
      authCheckGraceMs > 0 && authCheckIntervalMs === 0
        ? 'has no effect without authCheckInterval'
        : undefined,
  },
  {
    at: 'inactivityTimeout',
    of: ['inactivityTimeout', 'maximumDuration'],
    check: ({ inactivityTimeoutMs, maximumDurationMs }) =>
      maximumDurationMs > 0 && inactivityTimeoutMs > maximumDurationMs
        ? 'must not be longer than maximumDuration'
        : undefined,
  },
  {
    at: 'forwardTokens',
    of: ['forwardTokens', 'headerPrefix'],
    check: ({ headers }) =>
      headers.forwardTokens !== false && headers.headerPrefix === false
        ? 'has no effect with headerPrefix: false: there are no headers'
        : undefined,
  },
  {
    at: 'reportOnly',
    of: ['reportOnly'],
    check: ({ reportOnly }) =>
      reportOnly !== undefined && reportOnly.authorize === undefined && !hasRules(reportOnly)
        ? 'contains no rule: leave it out if there is nothing to report'
        : undefined,
  },
  {
    at: 'cookie.sameSite',
    of: ['cookie', 'baseUrl'],
    check: ({ cookie, baseUrl }) => {
      if (cookie.sameSite !== 'None') return undefined
      if (cookie.secure === false)
        return "cannot be 'None' without Secure: browsers reject such a cookie"
      return isPlainHttp(baseUrl)
        ? "cannot be 'None' with an http baseUrl: browsers reject such a cookie"
        : undefined
    },
  },
  {
    at: 'cookie.secure',
    of: ['cookie', 'baseUrl'],
    check: ({ cookie, baseUrl }) =>
      cookie.secure === true && isPlainHttp(baseUrl) && !isLoopbackUrl(baseUrl)
        ? 'cannot be true with an http baseUrl: the browser would not send the cookie'
        : undefined,
  },
  {
    at: 'baseUrl',
    of: ['cookie', 'baseUrl'],
    check: ({ cookie, baseUrl }) =>
      cookie.secure === undefined && isPlainHttp(baseUrl) && !isLoopbackUrl(baseUrl)
        ? 'is plain http, over which logins are rejected: set the https URL, or accept http with cookie.secure: false'
        : undefined,
  },
  {
    at: 'baseUrl',
    of: ['baseUrl', 'basePath', 'callbackPath', 'provider'],
    check: ({ baseUrl, callbackPaths }) => {
      const path = [...callbackPaths.values()].find((path) => baseUrl?.path.endsWith(path))
      return path === undefined
        ? undefined
        : `must be where the middleware is mounted, not the redirect URI: leave out ${path}`
    },
  },
  {
    at: 'cookie.domain',
    of: ['cookie', 'baseUrl'],
    check: ({ cookie, baseUrl }) => {
      const domain = cookie.domain?.replace(/^\./, '').toLowerCase()
      if (baseUrl === undefined || domain === undefined) return undefined
      const { hostname } = new URL(baseUrl.origin)
      return hostname === domain || hostname.endsWith(`.${domain}`)
        ? undefined
        : 'must be the host of baseUrl or a parent domain: the browser would reject the cookie'
    },
  },
  {
    at: 'cookie.path',
    of: ['cookie', 'baseUrl'],
    check: ({ cookie, baseUrl }) => {
      const mount = baseUrl?.path === '' ? '/' : baseUrl?.path
      const { path = mount } = cookie
      if (mount === undefined || path === undefined || path === mount) return undefined
      return mount.startsWith(path.endsWith('/') ? path : `${path}/`)
        ? undefined
        : 'must be the path of baseUrl or a parent path: the browser would not send the cookie there'
    },
  },
  {
    at: 'logout.clearSiteData',
    of: ['logout', 'baseUrl'],
    check: ({ logout, baseUrl }) =>
      logout.clearSiteData && isPlainHttp(baseUrl) && !isLoopbackUrl(baseUrl)
        ? 'has no effect with an http baseUrl: browsers clear data only over https'
        : undefined,
  },
  {
    at: 'logout.returnTo',
    of: ['logout', 'baseUrl', 'basePath', 'callbackPath', 'provider'],
    check: (draft) => {
      const path = draft.logout.returnTo?.split(/[?#]/, 1)[0]
      if (path === undefined) return undefined
      const specialPaths = new SpecialPaths(draft, new Map())
      return specialPaths.includes(path) || specialPaths.includes(path, draft.baseUrl?.path)
        ? 'must not be one of the special paths: leave it out to show the signed-out page'
        : undefined
    },
  },
]

/** Checks valid options against each other. */
export function checkTogether(draft: ConfigDraft, env: Env, mistakes: Mistakes): void {
  const { reportOnly, providers } = draft
  for (const { at, of, check } of checks) {
    const fix = mistakes.has(...of) ? undefined : check(draft, env)
    if (fix !== undefined)
      at.split('.')
        .reduce((option, name) => option.at(name), mistakes)
        .add(fix)
  }
  if (!mistakes.has('cookie', 'provider')) checkFormPost(draft, mistakes.at('provider'))
  if (!mistakes.has('callbackPath', 'basePath', 'provider')) checkCallbackPaths(draft, mistakes)
  if (!mistakes.has('headerPrefix', 'provider', 'reportOnly')) checkPresetRules(draft, mistakes)
  if (reportOnly !== undefined && !mistakes.has('reportOnly', 'provider'))
    checkRulesCanBeMet(reportOnly, providers, mistakes.at('reportOnly'))
}

/** Over plain http outside loopback, no login would find its cookie. (RFC 6265bis, 5.7) */
function checkFormPost({ providers, cookie }: ConfigDraft, mistakes: Mistakes): void {
  for (const { name, responseMode } of providers)
    if (responseMode === 'form_post' && cookie.secure === false)
      mistakes
        .at(name)
        .at('responseMode')
        .add(
          "cannot be 'form_post' with cookie.secure: false: its logins need a cookie with SameSite=None, which browsers accept only with Secure. Serve the app over https",
        )
}

function isPlainHttp(baseUrl: ConfigDraft['baseUrl']): boolean {
  return baseUrl?.origin.startsWith('http:') ?? false
}

function isLoopbackUrl(baseUrl: ConfigDraft['baseUrl']): boolean {
  return baseUrl !== undefined && isLoopback(new URL(baseUrl.origin).hostname)
}
