import { join } from 'node:path'
import { eventually, freePorts, type Program, startProgram } from './programs.js'
import { stopping } from './gate.js'

/** The built command. */
export const commandFile = join(__dirname, '../../dist/command.js')

export interface TestCommand {
  readonly origin: string
  url(path: string): string
  readonly program: Program
  /** All that it printed so far. */
  printed(): string
  close(): Promise<void>
}

/** Runs `oauth-module http`, and waits until it listens. Commands of one test may share a port. */
export async function startCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  port?: number,
): Promise<TestCommand> {
  const at = port ?? (await freePorts(1))[0] ?? 0
  return startCommandAt(at, ['--listen', `127.0.0.1:${at}`, ...args], env)
}

/** As {@link startCommand}, for arguments that make it listen at this port. */
export async function startCommandAt(
  at: number,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<TestCommand> {
  const program = startProgram(process.execPath, [commandFile, 'http', ...args], {
    env: { PATH: process.env['PATH'], NODE_ENV: 'test', ...env },
  })
  let printed = ''
  for (const stream of [program.child.stdout, program.child.stderr])
    stream?.on('data', (data: Buffer) => (printed += data.toString()))
  await eventually('the command listens', () =>
    printed.includes('listening at') || program.child.exitCode !== null ? true : undefined,
  )
  if (program.child.exitCode !== null) throw new Error(printed)
  const origin = `http://localhost:${at}`
  return stopping({
    origin,
    url: (path: string) => origin + path,
    program,
    printed: () => printed,
    close: () => program.stop(),
  })
}
