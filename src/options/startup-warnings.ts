import { hasRules, namesList } from '../access/rules.js'
import { type Provider, trustsEmail } from '../access/provider.js'
import { isCookieStore } from '../session/stores/cookie-store.js'
import type { ConfigDraft, Env } from './config.js'
import { describeDurations, warnOfMilliseconds } from './durations.js'

/** Logs defaults that are unsafe or surprising. */
export function announceConfig(draft: ConfigDraft, env: Env): void {
  const { enabled, providers, logger, secret, store, maximumDurationMs } = draft
  const isProduction = env['NODE_ENV'] === 'production'
  if (!enabled)
    logger.warn('the gate is disabled (enabled: false): requests pass without a login', {
      hint: 'leave out enabled to require one',
    })
  if (draft.devProvider !== undefined)
    logger.warn('anyone can sign in at the development provider, without a password', {
      hint:
        env['OAUTH_MODULE_DEV'] === '1'
          ? 'it is for development, and replaces the option provider, so its rules do not apply: unset OAUTH_MODULE_DEV to use your own'
          : 'it is for development: name your own in the option provider',
    })
  if (secret === undefined)
    logger.warn(
      'no secret is set: a random one is used, and logins in progress do not survive a restart. Set the option secret or OAUTH_MODULE_SECRET.',
    )
  if (store === undefined && isProduction)
    logger.warn(
      'sessions are stored in the memory of this process: they end with it and are not shared with other processes. Set the option store.',
    )
  announceDurations(draft, isProduction)
  logger.info(describeTokens(draft.headers.forwardTokens))
  const open = openProviders(draft)
  if (open.length > 0)
    logger.info(`every user who can sign in at ${open.join(', ')} may pass: no rule is set`)
  if (store !== undefined && isCookieStore(store) && isProduction && maximumDurationMs === 0)
    logger.warn(
      'with cookieStore() a copied cookie is valid until the limits of the session, and there are none: set maximumDuration and inactivityTimeout',
    )
  for (const provider of providers) {
    warnOfUnreadableMemberships(draft, provider)
    announceMissingEmail(draft, provider)
    if (provider.insecureHttp)
      logger.warn(
        `${provider.name} may be reached over plain http (insecureHttp): anyone who can read the network between this server, the browsers and the provider can read the client secret, codes and tokens`,
      )
  }
}

/** The names of the providers at which everyone who can sign in may pass. */
export function openProviders({
  providers,
  authorize,
}: Pick<ConfigDraft, 'providers' | 'authorize'>): readonly string[] {
  if (authorize !== undefined) return []
  return providers.filter((provider) => !isRestricted(provider)).map(({ name }) => name)
}

function announceDurations(draft: ConfigDraft, isProduction: boolean): void {
  const { logger, inactivityTimeoutMs, maximumDurationMs } = draft
  warnOfMilliseconds(logger, {
    inactivityTimeout: inactivityTimeoutMs,
    maximumDuration: maximumDurationMs,
    authCheckInterval: draft.authCheckIntervalMs,
    authCheckGrace: draft.authCheckGraceMs,
  })
  const description = describeDurations(draft, isProduction)
  if (description !== undefined) logger.info(description)
}

/** Logs that the upstream headers contain no email address, because the provider verifies none. */
function announceMissingEmail({ headers, logger }: ConfigDraft, provider: Provider): void {
  const { name, emailNeverVerified } = provider
  if (emailNeverVerified === undefined || trustsEmail(provider) || headers.headerPrefix === false)
    return
  logger.info(
    `the upstream headers contain no email address of users of ${name}: ${emailNeverVerified}. Set trustEmail: true only if you accept unverified addresses`,
  )
}

function describeTokens(forwardTokens: ConfigDraft['headers']['forwardTokens']): string {
  if (forwardTokens === false)
    return 'the upstream headers contain no tokens (forwardTokens: false)'
  if (forwardTokens === 'hidden')
    return "the token headers can be read by name, but loggers and proxies do not copy them (forwardTokens: 'hidden'): for a proxy whose upstream needs the tokens, set forwardTokens: true"
  const tokens = forwardTokens === true ? 'access and refresh tokens' : 'access tokens'
  return `the upstream headers contain ${tokens}, and loggers and proxies copy them (forwardTokens: ${String(forwardTokens)})`
}

function isRestricted({ rules, restriction }: Provider): boolean {
  return restriction !== undefined || hasRules(rules)
}

/** Logs that a report-only rule cannot be evaluated: report-only rules do not request scopes. */
function warnOfUnreadableMemberships(
  { reportOnly, logger }: ConfigDraft,
  { name, membershipLists = [], membershipScopes = [], requestedScopes }: Provider,
): void {
  const needsMemberships = membershipLists.some(
    (list) => reportOnly !== undefined && namesList(reportOnly, list),
  )
  const missing = membershipScopes.filter((scope) => !requestedScopes.includes(scope))
  if (needsMemberships && missing.length > 0)
    logger.warn(
      `reportOnly has rules on memberships at ${name}, which cannot be read without the scope ${missing.join(' ')}: add it to scopes`,
    )
}
