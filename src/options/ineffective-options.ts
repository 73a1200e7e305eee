import type { Provider } from '../access/provider.js'
import { isObject } from '../http/json.js'
import { isCookieStore } from '../session/stores/cookie-store.js'
import type { ConfigDraft } from './config.js'

/** Why an option has no effect, as in "without authCheckInterval"; `undefined` if it has one. */
type Reason = (draft: ConfigDraft, options: Readonly<Record<string, unknown>>) => string | undefined

/** The shortest interval with early checks. */
const MIN_EARLY_INTERVAL_MS = 60_000

/** Options that are valid, but that others make meaningless. */
export const INEFFECTIVE_OPTIONS = {
  authCheckEarly: ({ authCheckIntervalMs, store }, { authCheckEarly }) => {
    if (authCheckEarly !== true) return undefined
    if (authCheckIntervalMs === 0) return 'without authCheckInterval'
    if (authCheckIntervalMs < MIN_EARLY_INTERVAL_MS)
      return 'with an authCheckInterval of less than 60 seconds'
    return isCookieStore(store)
      ? 'with cookieStore(): only a response can replace the cookie'
      : undefined
  },
  rulesVersion: ({ authorize, reportOnly, rulesVersion }) =>
    rulesVersion !== undefined && authorize === undefined && reportOnly?.authorize === undefined
      ? 'without authorize: changed lists are noticed without it'
      : undefined,
  forwardTokens: ({ providers }, { forwardTokens }) =>
    forwardTokens !== undefined && forwardTokens !== false && providers.every(isManaged)
      ? 'with a managed application, whose tokens the app does not receive'
      : undefined,
  'logout.revokeTokens': ({ logout, providers }) =>
    logout.revokeTokens && providers.every(isManaged)
      ? 'with a managed application, whose tokens other apps may use'
      : undefined,
  callbackPath: ({ providers }, { callbackPath }) =>
    callbackPath !== undefined && providers.every(({ callbackPath: own }) => own !== undefined)
      ? 'because every provider has its own callbackPath'
      : undefined,
  'branding.darkLogoUrl': ({ branding }) =>
    branding?.darkLogoUrl !== undefined && branding.logoUrl === undefined
      ? 'without branding.logoUrl'
      : undefined,
  'pages.signIn': ({ pages, providers }) =>
    pages?.signIn !== undefined && providers.length === 1
      ? 'with a single provider: a login starts without the sign-in page'
      : undefined,
} as const satisfies Record<string, Reason>

/** The same for options of a provider. */
export const INEFFECTIVE_PROVIDER_OPTIONS = {
  signingAlgorithms: ({ signingAlgorithms, openid }) =>
    signingAlgorithms !== undefined && !openid ? 'which issues no ID tokens' : undefined,
  offlineAccess: ({ ignoresOfflineAccess }) =>
    ignoresOfflineAccess
      ? 'because this vendor decides whether it issues refresh tokens'
      : undefined,
} as const satisfies Record<string, (provider: Provider) => string | undefined>

/** Warns of options without effect. */
export function warnOfIneffectiveOptions(draft: ConfigDraft, options: unknown): void {
  const { logger, providers } = draft
  const given = isObject(options) ? options : {}
  const warn = (name: string, hint: string) =>
    logger.warn(`${name} has no effect ${hint}`, { hint: `leave out ${name}` })
  for (const [name, reasonOf] of Object.entries<Reason>(INEFFECTIVE_OPTIONS)) {
    const reason = reasonOf(draft, given)
    if (reason !== undefined) warn(name, reason)
  }
  for (const provider of providers)
    for (const [name, reasonOf] of Object.entries(INEFFECTIVE_PROVIDER_OPTIONS)) {
      const reason = reasonOf(provider)
      if (reason !== undefined) warn(name, `at ${provider.name}, ${reason}`)
    }
}

function isManaged(provider: Provider): boolean {
  return provider.isManaged
}
