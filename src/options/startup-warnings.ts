import type { Config } from './options.js'
import { type Provider } from '../access/provider.js'

/** Rules on trial change nothing, so they ask for no scope either. */
export function warnOfBlindTrial(
  { trial, logger }: Config,
  { name, membershipLists = [], membershipScopes = [], requestedScopes }: Provider,
): void {
  const asks = membershipLists.some((list) => trial?.[list] !== undefined)
  const missing = membershipScopes.filter((scope) => !requestedScopes.includes(scope))
  if (asks && missing.length > 0)
    logger.warn(
      `reportOnly asks for memberships at ${name}, which it does not show without the scope ${missing.join(' ')}: add it to scopes`,
    )
}

/** The address to register, once: in production nothing else says which it is. */
export function announceRedirectUri({ publicUrl, logger }: Config): (redirectUri: string) => void {
  let isAnnounced = publicUrl !== undefined || process.env['NODE_ENV'] !== 'production'
  return (redirectUri) => {
    if (isAnnounced) return
    isAnnounced = true
    logger.warn(
      `no baseUrl is set: the address follows from each request. Register this redirect URI at the provider: ${redirectUri} (if visitors see another host or scheme, set baseUrl first)`,
    )
  }
}
