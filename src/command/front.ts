import type { OAuthModuleOptions } from '../options/options.js'
import type { Configuration } from './configuration.js'
import { CommandError } from './errors.js'
import { AuthServer, type JsonLog, type ListenAddress, startGateway } from './gateway/index.js'
import { parseTarget } from './settings.js'

/** What listens: the gateway, or the server for subrequests of a proxy. */
export interface Front {
  readonly port: number
  /** What it does, as the end of a sentence. */
  readonly description: string
  /** Throws what is invalid; then everything stays as it was. */
  reconfigure(configuration: Configuration, options: OAuthModuleOptions): void
  close(): Promise<void>
}

/** Starts what the configuration names. Rejects with the error of `listen()`. */
export function startFront(
  configuration: Configuration,
  options: OAuthModuleOptions,
  listen: ListenAddress,
  logger: JsonLog,
): Promise<Front> {
  return modeOf(configuration) === false
    ? startProxy(configuration, options, listen, logger)
    : startAuthServer(configuration, options, listen, logger)
}

function modeOf({ settings }: Configuration): boolean | 'forward' {
  return settings.authRequest ?? false
}

async function startProxy(
  configuration: Configuration,
  options: OAuthModuleOptions,
  listen: ListenAddress,
  logger: JsonLog,
): Promise<Front> {
  const rules = gatewayRules(configuration, options)
  const gateway = await startGateway({ ...rules, listen, logger })
  return {
    port: gateway.port,
    description: `in front of ${rules.target.origin}`,
    reconfigure(next, nextOptions) {
      rejectOtherMode(configuration, next)
      gateway.reconfigure(gatewayRules(next, nextOptions))
    },
    close: () => gateway.close(),
  }
}

function gatewayRules({ settings }: Configuration, options: OAuthModuleOptions) {
  const { target, allowPath, trustedProxy, adminToken, accessLog } = settings
  if (target === undefined)
    throw new CommandError(
      'no target: name the port of your app, as in `oauth-module http 3000 --oauth google`',
    )
  return {
    options,
    target: parseTarget(target),
    allowPaths: allowPath,
    trustedProxies: trustedProxy,
    adminToken,
    logsRequests: accessLog,
  }
}

async function startAuthServer(
  configuration: Configuration,
  options: OAuthModuleOptions,
  listen: ListenAddress,
  logger: JsonLog,
): Promise<Front> {
  const mode = modeOf(configuration) === 'forward' ? 'forward' : true
  const server = new AuthServer({ ...authRules(configuration, options), mode, logger })
  await server.listen(listen)
  return {
    port: server.port,
    description: `for the subrequests of ${mode === 'forward' ? 'Traefik or Caddy' : 'nginx'}`,
    reconfigure(next, nextOptions) {
      rejectOtherMode(configuration, next)
      server.reconfigure(authRules(next, nextOptions))
    },
    close: () => server.close(),
  }
}

function authRules({ settings }: Configuration, options: OAuthModuleOptions) {
  const { target, allowPath, trustedProxy, adminToken, accessLog } = settings
  if (allowPath !== undefined)
    throw new CommandError(
      'allowPath cannot be combined with authRequest: the proxy decides which requests it asks about',
    )
  if (target !== undefined)
    throw new CommandError('authRequest takes no target: the proxy sends requests to the app')
  return { options, trustedProxies: trustedProxy, adminToken, logsRequests: accessLog }
}

function rejectOtherMode(before: Configuration, after: Configuration): void {
  if (modeOf(before) !== modeOf(after))
    throw new CommandError('authRequest cannot change while the command runs: restart it')
}
