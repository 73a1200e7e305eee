import { hasRules } from '../access/rules.js'
import type { Provider } from '../access/provider.js'
import { isCookieStore } from '../session/stores/cookie-store.js'
import type { Config, ConfigDraft, Env } from './config.js'

/** Logs defaults that are unsafe or surprising. */
export function announceConfig(draft: ConfigDraft, env: Env): void {
  const { providers, authorize, logger, secret, store, maximumDurationMs } = draft
  const isProduction = env['NODE_ENV'] === 'production'
  if (secret === undefined)
    logger.warn(
      'no secret is set: a random one is used, and logins in progress do not survive a restart. Set the option secret or OAUTH_MODULE_SECRET.',
    )
  if (store === undefined && isProduction)
    logger.warn(
      'sessions are stored in the memory of this process: they end with it and are not shared with other processes. Set the option store.',
    )
  const open = providers.filter((provider) => !isRestricted(provider)).map(({ name }) => name)
  if (open.length > 0 && authorize === undefined)
    logger.info(`every user who can sign in at ${open.join(', ')} may pass: no rule is set`)
  if (store !== undefined && isCookieStore(store) && isProduction && maximumDurationMs === 0)
    logger.warn(
      'with cookieStore() a copied cookie is valid until the limits of the session, and there are none: set maximumDuration and inactivityTimeout',
    )
  for (const provider of providers) {
    warnOfUnreadableMemberships(draft, provider)
    if (provider.signingAlgorithms !== undefined && !provider.openid)
      logger.warn(
        `signingAlgorithms has no effect at ${provider.name}, which issues no ID tokens: leave it out`,
      )
    if (provider.ignoresOfflineAccess)
      logger.warn(
        `offlineAccess has no effect at ${provider.name}: this vendor decides whether it issues refresh tokens`,
      )
  }
}

function isRestricted({ rules, restriction }: Provider): boolean {
  return restriction !== undefined || hasRules(rules)
}

/** Logs that a report-only rule cannot be evaluated: report-only rules do not request scopes. */
function warnOfUnreadableMemberships(
  { reportOnly, logger }: ConfigDraft,
  { name, membershipLists = [], membershipScopes = [], requestedScopes }: Provider,
): void {
  const needsMemberships = membershipLists.some((list) => reportOnly?.[list] !== undefined)
  const missing = membershipScopes.filter((scope) => !requestedScopes.includes(scope))
  if (needsMemberships && missing.length > 0)
    logger.warn(
      `reportOnly has rules on memberships at ${name}, which cannot be read without the scope ${missing.join(' ')}: add it to scopes`,
    )
}

/**
 * Logs the redirect URI to register, once: in production, without `baseUrl`, the requests determine
 * it.
 */
export function announceRedirectUri({ baseUrl, logger }: Config): (redirectUri: string) => void {
  let isAnnounced = baseUrl !== undefined || process.env['NODE_ENV'] !== 'production'
  return (redirectUri) => {
    if (isAnnounced) return
    isAnnounced = true
    logger.warn(
      `no baseUrl is set: the public URL follows from each request. Register this redirect URI at the provider: ${redirectUri} (if browsers use another host or scheme, set baseUrl first)`,
    )
  }
}
