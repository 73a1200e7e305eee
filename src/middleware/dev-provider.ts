import { OAuthError } from '../http/errors.js'
import { isLoopback } from '../http/origin.js'
import { DEVELOPMENT_ONLY, type DevProviderConfig } from '../options/dev-provider.js'
import type { Logger } from '../options/options.js'

/** In a variable: the core does not contain the development provider, and loads it if asked. */
const MODULE = 'oauth-module/dev'

interface DevModule {
  devProvider(options: { port: number; clientSecret: string; unref: boolean }): Promise<Running>
}

interface Running {
  readonly issuer: string
  close(): Promise<void>
}

/** The development provider of a gate. Outlives a configuration. */
export interface DevProviderState {
  running: Promise<Running | undefined> | undefined
}

/** Starts the development provider when it is first needed. */
export async function startDevProvider(
  { port, clientSecret }: DevProviderConfig,
  state: DevProviderState,
  logger: Logger,
): Promise<void> {
  state.running ??= start({ port, clientSecret, unref: true }, logger)
  await state.running.catch((error: unknown) => {
    state.running = undefined
    throw error
  })
}

/** Stops it, if this gate has started it. */
export async function stopDevProvider({ running }: DevProviderState): Promise<void> {
  const provider = await running?.catch(() => undefined)
  await provider?.close()
}

/** Throws `misconfigured` if the development provider must not be used at this host. */
export function rejectPublicHost(
  devProvider: DevProviderConfig | undefined,
  redirectUri: string,
): void {
  if (devProvider?.isLoopbackOnly !== true || isLoopback(new URL(redirectUri).hostname)) return
  throw new OAuthError('misconfigured', { hint: `provider.dev ${DEVELOPMENT_ONLY}` })
}

/** Another process may have started it: then its port is in use, and discovery finds it. */
async function start(
  options: Parameters<DevModule['devProvider']>[0],
  logger: Logger,
): Promise<Running | undefined> {
  try {
    const dev = (await import(MODULE)) as DevModule
    const provider = await dev.devProvider(options)
    logger.info(`the development provider runs at ${provider.issuer}`)
    return provider
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'EADDRINUSE') return undefined
    throw new OAuthError('misconfigured', {
      cause,
      hint: `the development provider could not be started: ${cause instanceof Error ? cause.message : 'unknown'}`,
    })
  }
}
