import type { OAuthModuleOptions } from '../../options/options.js'
import type { Configuration } from '../configuration.js'
import type { Env } from '../environment.js'
import { CommandError } from '../errors.js'
import type { ListenAddress } from '../gateway/index.js'
import { checkRequirements, gateOptions } from '../gate-options.js'
import { withOrigins } from '../mistakes.js'
import { DEFAULT_LISTEN, parseListen, parseTarget } from '../settings.js'
import { diagnose, type DoctorConfiguration } from './diagnose.js'
import type { Finding } from './finding.js'
import { mistakesOf } from './options-check.js'
import { runCheck } from './run-check.js'
import { STAND_IN_STORE } from './stand-in-store.js'

/** What the doctor examines, from the configuration that the command has loaded. */
export function doctorConfiguration(configuration: Configuration, env: Env): DoctorConfiguration {
  const { json, settings } = configuration
  const { target, listen } = settings
  const address = listen === undefined ? DEFAULT_LISTEN : parseListen(listen)
  return {
    json,
    env,
    listen: address,
    target: target === undefined ? undefined : parseTarget(target),
    options: () => checkedOptions(configuration, env, address),
    locate: (message) => withOrigins(message, configuration.settled),
  }
}

/**
 * Loads a configuration and tests it. What is wrong with flags, variables or the file is a finding
 * as well.
 */
export async function examine(load: () => Configuration, env: Env): Promise<Finding[]> {
  let configuration: Configuration
  try {
    configuration = load()
  } catch (thrown) {
    if (!(thrown instanceof CommandError || thrown instanceof TypeError)) throw thrown
    return runCheck('options', undefined, () => mistakesOf(thrown, withOrigins))
  }
  return diagnose(doctorConfiguration(configuration, env))
}

/** Throws one error for what the options and the command itself require. */
function checkedOptions(
  configuration: Configuration,
  env: Env,
  listen: ListenAddress,
): OAuthModuleOptions {
  const messages: string[] = []
  const collect = <T>(work: () => T): T | undefined => {
    try {
      return work()
    } catch (thrown) {
      messages.push(thrown instanceof Error ? thrown.message : 'the options cannot be read')
      return undefined
    }
  }
  collect(() => checkRequirements(configuration, env, listen))
  const options = collect(() => gateOptions(configuration, env, () => STAND_IN_STORE))
  if (options === undefined || messages.length > 0) throw new TypeError(messages.join('\n'))
  return options
}
