import type { OAuthModuleOptions } from '../options/options.js'
import type { SessionStore } from '../session/stores/store.js'
import type { Arguments } from './arguments.js'
import { type Configuration, loadConfiguration } from './configuration.js'
import type { Env } from './environment.js'
import { CommandError } from './errors.js'
import { followFile } from './follow-file.js'
import { type Front, startFront } from './front.js'
import { checkRequirements, gateOptions } from './gate-options.js'
import { JsonLog } from './gateway/index.js'
import { listenError } from './listen-error.js'
import { withOrigins } from './mistakes.js'
import { DEFAULT_LISTEN, parseListen } from './settings.js'
import { connectToRedis, type RedisConnection } from './stores.js'

/** A running `oauth-module http`. */
export interface RunningCommand {
  readonly port: number
  /** Reads the configuration again, and applies it. Invalid ones are logged and change nothing. */
  reload(): void
  close(): Promise<void>
}

/**
 * Starts the gate in front of a local port. Throws a {@link CommandError}, or a `TypeError` that lists
 * the mistakes in the options.
 */
export async function runHttp(args: Arguments, env: Env): Promise<RunningCommand> {
  const configuration = loadConfiguration(args, env)
  const listen = listenAddress(configuration)
  checkRequirements(configuration, env, listen)
  const command = new HttpCommand(args, env)
  await command.start(configuration)
  return command
}

function listenAddress({ settings }: Configuration) {
  return settings.listen === undefined ? DEFAULT_LISTEN : parseListen(settings.listen)
}

class HttpCommand implements RunningCommand {
  readonly #args: Arguments
  readonly #env: Env
  readonly #log = new JsonLog()
  #redis: RedisConnection | undefined
  #front: Front | undefined
  #started: Configuration | undefined
  #stopFollowing: () => void = () => undefined

  constructor(args: Arguments, env: Env) {
    this.#args = args
    this.#env = env
  }

  get port(): number {
    return this.#front?.port ?? 0
  }

  async start(configuration: Configuration): Promise<void> {
    const { file } = configuration
    const listen = listenAddress(configuration)
    try {
      const options = this.#options(configuration)
      await this.#redis?.attempted
      this.#front = await startFront(configuration, options, listen, this.#log)
    } catch (error) {
      await this.#redis?.close()
      throw listenError(error, listen) ?? located(error, configuration)
    }
    this.#started = configuration
    if (file !== undefined) this.#stopFollowing = followFile(file, () => this.reload())
    const { host } = listen
    this.#log.info(
      `listening at http://${host.includes(':') ? `[${host}]` : host}:${this.port}, ${this.#front.description}`,
    )
  }

  reload(): void {
    let configuration: Configuration | undefined
    try {
      configuration = loadConfiguration(this.#args, this.#env)
      checkRequirements(configuration, this.#env, listenAddress(configuration))
      rejectFixed(this.#started, configuration)
      this.#front?.reconfigure(configuration, this.#options(configuration))
      this.#log.info('the configuration has changed and is in effect')
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'unknown'
      const message = withOrigins(problem, configuration?.settled)
      this.#log.error(`the configuration has changed and is invalid: ${message}`, {
        hint: 'the previous configuration stays in effect',
      })
    }
  }

  async close(): Promise<void> {
    this.#stopFollowing()
    await this.#front?.close()
    await this.#redis?.close()
    this.#log.flush()
  }

  #options(configuration: Configuration): OAuthModuleOptions {
    return gateOptions(configuration, this.#env, (url) => this.#store(url))
  }

  /** One connection for the whole run: the store cannot change. */
  #store(url: string): SessionStore {
    this.#redis ??= connectToRedis(url, (message) =>
      this.#log.error('the connection to the store failed', { hint: message }),
    )
    return this.#redis.store
  }
}

/** `reconfigure()` inherits an absent store, and nothing else sees where the command listens. */
function rejectFixed(before: Configuration | undefined, after: Configuration): void {
  if (before === undefined) return
  if (before.settings.listen !== after.settings.listen)
    throw new CommandError('listen cannot change while the command runs: restart it')
  if (before.json.store !== after.json.store)
    throw new CommandError('store cannot change while the command runs: restart it')
}

/** The same mistakes, with the places where the options were set. */
function located(error: unknown, { settled }: Configuration): unknown {
  return error instanceof TypeError ? new CommandError(withOrigins(error.message, settled)) : error
}
