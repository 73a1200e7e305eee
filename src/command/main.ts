import { text } from 'node:stream/consumers'
import { nearest, printable } from '../schema/suggestions.js'
import { type Arguments, parseArguments } from './arguments.js'
import { configSchema } from './config-schema.js'
import { loadConfiguration } from './configuration.js'
import { examine, printFindings } from './doctor/index.js'
import type { Env } from './environment.js'
import { CommandError } from './errors.js'
import { HELP } from './help.js'
import { runHttp, type RunningCommand } from './http.js'
import { withOrigins } from './mistakes.js'
import { runImport } from './import.js'
import { printedConfiguration } from './print-config.js'
import { sealedJson } from './seal.js'
import { runSignals } from './signals.js'

/** What a command may use. */
export interface Terminal {
  readonly env: Env
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

/** Either an exit code, or a command that runs until it is closed. */
export type Result = number | RunningCommand

interface Subcommand {
  /** The most arguments that it takes. */
  readonly arguments: number
  readonly run: (args: Arguments, terminal: Terminal) => Result | Promise<Result>
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  http: { arguments: 1, run: http },
  doctor: {
    arguments: 1,
    async run(args, { env, stdout }) {
      const findings = await examine(() => loadConfiguration(args, env), env)
      const write = (text: string) => void stdout.write(text)
      return printFindings(findings, { json: args.own.json === true, write })
    },
  },
  import: {
    arguments: 2,
    run: ({ positionals: [kind, file] }, terminal) => runImport(kind, file, terminal),
  },
  signals: {
    arguments: 2,
    run: (args, { env, stdout }) => runSignals(args, env, (text) => void stdout.write(text)),
  },
  seal: {
    arguments: 0,
    async run(_args, { env, stdin, stdout }) {
      stdout.write(`${sealedJson(await text(stdin), env)}\n`)
      return 0
    },
  },
  schema: {
    arguments: 0,
    run(_args, { stdout }) {
      stdout.write(`${JSON.stringify(configSchema())}\n`)
      return 0
    },
  },
}

/**
 * Runs the command line. Prints what the user can fix as one paragraph on stderr, and returns 1; any
 * other error is a bug, and rejects.
 */
export async function main(
  args: readonly string[],
  terminal: Terminal,
  version: string,
): Promise<Result> {
  try {
    const parsed = parseArguments(args)
    const [name, ...positionals] = parsed.positionals
    if (parsed.own.version === true) return print(terminal, `${version}\n`)
    if (parsed.own.help === true || name === undefined || name === 'help')
      return print(terminal, HELP)
    return await subcommandOf(name, positionals.length).run({ ...parsed, positionals }, terminal)
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof TypeError)) throw error
    terminal.stderr.write(`oauth-module: ${withOrigins(error.message)}\n`)
    return 1
  }
}

function print({ stdout }: Terminal, text: string): number {
  stdout.write(text)
  return 0
}

function subcommandOf(name: string, count: number): Subcommand {
  const found = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined
  if (found === undefined) {
    const names = Object.keys(subcommands)
    const meant = nearest(name, names)
    throw new CommandError(
      `${printable(name)} is not a command: ${meant === undefined ? `the commands are ${names.join(', ')}` : `write ${meant}`}`,
    )
  }
  if (count > found.arguments)
    throw new CommandError(
      `${name} takes ${['no argument', 'one argument', 'two arguments'][found.arguments]}: write flags with two dashes, as in --oauth google`,
    )
  return found
}

async function http(args: Arguments, { env, stdout }: Terminal): Promise<Result> {
  if (args.own['print-config'] !== true) return await runHttp(args, env)
  stdout.write(printedConfiguration(loadConfiguration(args, env)))
  return 0
}
