import type { IntrospectionConfig } from '../bearer/introspection.js'
import type { IssuerClient } from '../bearer/issuer-client.js'
import type { Connection, Connections } from '../flows/connection.js'
import { OAuthError } from '../http/errors.js'
import type { Config } from '../options/config.js'
import { announceReadyRedirectUris } from '../options/redirect-uris.js'
import type { SessionStore } from '../session/stores/store.js'
import { describeError } from './error-reporter.js'
import type { SignalReceivers } from './signal-receivers.js'

/** What {@link checkReadiness} depends on. */
export interface ReadinessDeps {
  readonly config: Config
  readonly connections: Connections
  readonly store: SessionStore
  /** The issuers of access tokens; empty without the option `bearer`. */
  readonly tokenIssuers: readonly {
    readonly client: IssuerClient
    readonly introspections: readonly IntrospectionConfig[]
  }[]
  /** `undefined` without the option `signals`. */
  readonly receivers: SignalReceivers | undefined
  /** Whether the store is outside of the cookies. */
  readonly keepsRecords: boolean
}

/**
 * Checks what can be known before the first user comes: the providers and the issuers of access
 * tokens with their keys and clocks, and the store. Logs every problem, and rejects with an
 * `AggregateError` of them. Only a login shows whether a provider accepts the redirect URI and the
 * client secret, so the redirect URIs that it must know are logged.
 */
export async function checkReadiness(
  deps: ReadinessDeps,
  configuration: { ready(): Promise<void> },
): Promise<void> {
  const { config, connections, store, keepsRecords, receivers, tokenIssuers } = deps
  const check = async (work: () => unknown, provider?: string) => {
    try {
      await work()
      return undefined
    } catch (error) {
      const message = error instanceof Error ? error.message : 'an unknown error'
      config.logger.error(message, { provider, ...describeError(error) })
      return error
    }
  }
  const results = await Promise.all([
    ...[...connections].map(([name, { client }]) => check(() => client.ready(), name)),
    ...tokenIssuers.map(({ client, introspections }) =>
      check(() => client.ready(config.clockToleranceMs / 1000, introspections), client.issuer),
    ),
    ...(keepsRecords ? [check(() => store.get('ready'))] : []),
    check(() => configuration.ready()),
    check(() => receivers?.ready()),
  ])
  const errors = results.filter((error) => error !== undefined)
  if (errors.length > 0)
    throw new AggregateError(errors, `oauth-module is not ready: ${errors.map(hintOf).join('; ')}`)
  for (const connection of connections.values()) await warnOfScopes(connection)
  announceReadyRedirectUris(config)
}

async function warnOfScopes({ provider, client }: Connection): Promise<void> {
  const { scopes: listed } = await client.supported()
  const missing = provider.requestedScopes.filter((scope) => !listed.includes(scope))
  if (listed.length > 0 && missing.length > 0)
    client.log.warnOnce('the provider does not list all scopes of the options as supported', {
      hint: `not listed: ${missing.join(' ')}. If logins fail, remove them from scopes`,
    })
}

function hintOf(error: unknown): string {
  if (error instanceof OAuthError) return error.hint ?? error.message
  return error instanceof Error ? error.message : 'an unknown error'
}
