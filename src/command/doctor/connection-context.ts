import type { Connection } from '../../flows/connection.js'
import type { Config } from '../../options/config.js'
import { isWildcard, type Listen } from './target-check.js'

/** The public URL of the gate: `baseUrl`, or the address at which it listens. */
export function publicUrl(config: Config, listen: Listen | undefined): string | undefined {
  if (config.baseUrl !== undefined) return config.baseUrl.origin + config.baseUrl.path
  if (listen === undefined || isWildcard(listen.host)) return undefined
  const { host, port } = listen
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The redirect URI to register at the provider. */
export function redirectUriOf(
  config: Config,
  { callbackPath }: Connection,
  listen: Listen | undefined,
): string | undefined {
  const url = publicUrl(config, listen)
  return url === undefined ? undefined : url + callbackPath
}
