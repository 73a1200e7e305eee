import { OAuthError } from '../http/errors.js'
import type { OAuthMiddleware } from '../middleware/oauth-middleware.js'
import { oauthModule } from '../middleware/oauth-module.js'
import type { SignalStream } from '../signals/stream-configuration.js'
import type { Arguments } from './arguments.js'
import { type Configuration, loadConfiguration } from './configuration.js'
import type { Env } from './environment.js'
import { CommandError } from './errors.js'
import { gateOptions } from './gate-options.js'
import { withOrigins } from './mistakes.js'
import { connectToRedis, type RedisConnection } from './stores.js'

/** Where the result of a command is printed. */
type Write = (text: string) => void

interface Context {
  readonly name: string
  readonly auth: OAuthMiddleware
  readonly configuration: Configuration
  readonly env: Env
  readonly write: Write
}

const ACTIONS: Readonly<Record<string, (context: Context) => Promise<number>>> = {
  create: createStream,
  verify: verifyStream,
  status: showStatus,
}

/**
 * `oauth-module signals create|verify|status NAME`: configures the stream of a transmitter. Throws a
 * {@link CommandError} that states the fix.
 */
export async function runSignals(args: Arguments, env: Env, write: Write): Promise<number> {
  const [action = '', name] = args.positionals
  const run = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
  if (run === undefined || name === undefined)
    throw new CommandError(
      `signals takes an action (${Object.keys(ACTIONS).join(', ')}) and the name of a transmitter, as in: oauth-module signals create okta --config gate.yaml`,
    )
  const configuration = loadConfiguration({ ...args, positionals: [] }, env)
  let redis: RedisConnection | undefined
  try {
    const options = gateOptions(configuration, env, (url) => {
      redis = connectToRedis(url, (message) => write(`the store failed: ${message}\n`))
      return redis.store
    })
    await redis?.attempted
    const auth = oauthModule(options)
    try {
      return await run({ name, auth, configuration, env, write })
    } finally {
      await auth.close()
    }
  } catch (error) {
    throw asCommandError(error, configuration)
  } finally {
    await redis?.close()
  }
}

async function createStream({ name, auth, configuration, write }: Context): Promise<number> {
  const stream = await auth.signals.createStream(name, {
    endpointUrl: isPushed(configuration, name) ? endpointUrl(configuration) : undefined,
  })
  write(describeStream(stream))
  return 0
}

async function verifyStream({ name, auth, configuration, env, write }: Context): Promise<number> {
  const { secret, store } = configuration.json
  const hasSecret = secret !== undefined || Boolean(env['OAUTH_MODULE_SECRET'])
  if (isPushed(configuration, name) && (store === undefined || !hasSecret))
    throw new CommandError(
      'signals verify needs the store and the secret of the running gate, where the event arrives: set --store redis://host:6379 and --secret for both',
    )
  await auth.signals.verifyStream(name)
  write('the verification event has arrived\n')
  return 0
}

async function showStatus({ name, auth, write }: Context): Promise<number> {
  const status = await auth.signals.streamStatus(name)
  write(`${status}\n`)
  return status === 'enabled' ? 0 : 1
}

function isPushed({ json }: Configuration, name: string): boolean {
  const { transmitters = {} } = (json.signals ?? {}) as {
    transmitters?: Record<string, { delivery?: unknown } | undefined>
  }
  return transmitters[name]?.delivery !== 'poll'
}

/** Where the transmitter pushes to. */
function endpointUrl({ json: { baseUrl, basePath = '/auth' } }: Configuration): string {
  if (typeof baseUrl !== 'string')
    throw new CommandError(
      '--base-url is required: the transmitter pushes to <base URL>/auth/signals',
    )
  return `${baseUrl.replace(/\/$/, '')}${basePath}/signals`
}

function describeStream({ streamId, audience, events }: SignalStream): string {
  const names = events.map((uri) => uri.slice(uri.lastIndexOf('/') + 1))
  return [
    `stream     ${streamId}`,
    `audience   ${audience.join(', ')}`,
    `events     ${names.join(', ')}`,
    'If the audience is not the client ID of the provider, set it as signals.transmitters.NAME.audience.',
    '',
  ].join('\n')
}

function asCommandError(error: unknown, { settled }: Configuration): unknown {
  if (error instanceof OAuthError) return new CommandError(error.hint ?? error.message)
  return error instanceof TypeError ? new CommandError(withOrigins(error.message, settled)) : error
}
