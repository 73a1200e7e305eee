import { isObject } from '../../http/json.js'
import type { Config, Env } from '../../options/config.js'
import type { Logger, OAuthModuleOptions } from '../../options/options.js'
import { parseOptions } from '../../options/parse-options.js'
import { divide, error, type Problem, warning } from './finding.js'
import { STAND_IN_STORE } from './stand-in-store.js'

/** The validated options, and what is wrong with them. */
export interface CheckedOptions {
  readonly problems: Problem[]
  /** `undefined` if they are invalid. */
  readonly config: Config | undefined
}

/**
 * Validates the options as construction does. All mistakes are errors, and what construction would
 * log as a warning is a warning.
 */
export function checkOptions(
  given: OAuthModuleOptions,
  env: Env,
  hasOtherStore: boolean,
  locate?: Locate,
): CheckedOptions {
  const problems: Problem[] = []
  const warn = (message: string, details?: object) => {
    const found = warningOf(message, details)
    if (found !== undefined) problems.push(found)
  }
  const logger: Logger = { debug: ignore, info: ignore, warn, error: ignore }
  try {
    const store = hasOtherStore ? { store: given.store ?? STAND_IN_STORE } : {}
    const config = parseOptions({ ...given, ...store, logger }, undefined, env)
    config.logger.flush()
    return { problems, config }
  } catch (thrown) {
    return { problems: [...problems, ...mistakesOf(thrown, locate)], config: undefined }
  }
}

/** States where an option was set, as `withOrigins` of the command does. */
export type Locate = (message: string) => string

/** What messages about options start with. */
const PREFIX = /^(?:oauthModule|configuration)\b\.?/

/** The mistakes that construction reports: one line each. */
export function mistakesOf(thrown: unknown, locate: Locate = (message) => message): Problem[] {
  const message = thrown instanceof Error ? thrown.message : 'the options cannot be read'
  return message.split('\n').map((line) => mistakeOf(line, locate))
}

function mistakeOf(line: string, locate: Locate): Problem {
  const { problem, fix } = divide(locate(line).replace(PREFIX, '').trim())
  // Requirements of the command are whole sentences.
  if (!PREFIX.test(line))
    return error('invalid_option', problem, fix ?? 'correct the configuration')
  const [option = 'the options'] = problem.split(/,? /, 1)
  return error(
    'invalid_option',
    `the option ${problem}`,
    fix ?? `correct ${option} in the configuration`,
  )
}

/** Two of the warnings are about what other checks report in more detail. */
const REPORTED_ELSEWHERE = /^(?:no secret is set|sessions are stored in the memory)/

function warningOf(message: string, details: object | undefined): Problem | undefined {
  if (REPORTED_ELSEWHERE.test(message)) return undefined
  const hint: unknown = isObject(details) ? details['hint'] : undefined
  const { problem, fix } = divide(message)
  if (typeof hint === 'string') return warning('questionable_option', message, hint)
  return warning('questionable_option', problem, fix ?? 'check whether you intend this')
}

function ignore(): undefined {
  return undefined
}
