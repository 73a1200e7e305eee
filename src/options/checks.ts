import cluster from 'node:cluster'
import { checkRulesCanBeMet } from '../access/provider.js'
import { checkBearer } from '../bearer/check-bearer.js'
import { hasRules } from '../access/rules.js'
import { SpecialPaths } from '../http/special-paths.js'
import type { Mistakes } from '../schema/field.js'
import { isCookieStore } from '../session/stores/cookie-store.js'
import { checkCallbackPaths } from './callback-paths.js'
import type { ConfigDraft, Env } from './config.js'
import { type Check, cookieChecks, isLoopbackUrl, isPlainHttp } from './cookie-checks.js'
import { checkPresetRules } from './preset-rules.js'

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
    at: 'configVersion',
    of: ['configVersion', 'store'],
    check: ({ configVersion, store }) =>
      configVersion !== undefined && isCookieStore(store)
        ? 'needs a store that keeps records, and cookieStore() keeps none: leave it out, or use redisStore()'
        : undefined,
  },
  {
    at: 'configVersion',
    of: ['configVersion', 'secret', 'store'],
    check: ({ configVersion, secret, store }) =>
      configVersion !== undefined && secret === undefined && store !== undefined
        ? 'needs the option secret: with a random one, neither another process nor this one after a restart can read the stored configuration'
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
  ...cookieChecks,
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
    at: 'deviceBound',
    of: ['deviceBound', 'cookie', 'baseUrl'],
    check: ({ deviceBound, cookie, baseUrl }) => {
      if (!deviceBound) return undefined
      if (cookie.domain !== undefined)
        return 'cannot be combined with cookie.domain: a browser binds a session to one origin, so that other hosts could not renew its cookie'
      return isPlainHttp(baseUrl) && !isLoopbackUrl(baseUrl)
        ? 'has no effect with an http baseUrl: browsers bind sessions only over https'
        : undefined
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
  const { bearer, reportOnly, providers } = draft
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
  if (!mistakes.has('bearer', 'provider')) checkBearer(bearer, providers, mistakes.at('bearer'))
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
