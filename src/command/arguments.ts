import { parseArgs } from 'node:util'
import { nearest } from '../schema/suggestions.js'
import { CommandError } from './errors.js'
import { type Flag, flags } from './flags.js'

/** Flags of the command itself rather than of the gate. */
export const ownFlags = {
  config: { type: 'string', description: 'Read options from a JSON or YAML file, and follow it.' },
  help: { type: 'boolean', short: 'h', description: 'Print this help.' },
  version: { type: 'boolean', short: 'v', description: 'Print the version.' },
  json: { type: 'boolean', description: 'Print JSON (doctor).' },
  'print-config': {
    type: 'boolean',
    description: 'Print the options in effect and where each comes from, and exit.',
  },
} as const

/** Name of a flag of the command itself. */
export type OwnFlag = keyof typeof ownFlags

/** Parsed arguments. */
export interface Arguments {
  readonly positionals: readonly string[]
  readonly own: Readonly<Partial<Record<OwnFlag, string | true>>>
  /** The values of each flag, in the order of the command line. */
  readonly values: ReadonlyMap<Flag, readonly string[]>
}

const byName = new Map(flags.map((flag) => [flag.name, flag]))
const names = [...byName.keys(), ...Object.keys(ownFlags)]

/** Whether a flag without a value means `true`. */
function isSwitch({ schema }: Flag): boolean {
  return (
    schema.type === 'boolean' ||
    (schema.type === 'enum' && schema.values.some((value) => value === true))
  )
}

/** Parses the command line. Throws a {@link CommandError} that names the nearest flag. */
export function parseArguments(args: readonly string[]): Arguments {
  const options = Object.fromEntries([
    ...flags.map((flag) => [
      flag.name,
      { type: isSwitch(flag) ? ('boolean' as const) : ('string' as const) },
    ]),
    ...Object.entries(ownFlags).map(([name, { description: _, ...option }]) => [name, option]),
  ]) as NonNullable<Parameters<typeof parseArgs>[0]>['options']
  const { tokens, positionals } = parseArgs({
    args: [...args],
    ...(options && { options }),
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const values = new Map<Flag, string[]>()
  const own: Partial<Record<OwnFlag, string | true>> = {}
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    // The next flag, which the user did not mean as a value, and which may contain a secret.
    if (token.inlineValue === false && token.value.startsWith('--'))
      throw new CommandError(
        `--${token.name.slice(0, 64)} needs a value, and another flag follows it. A value that starts with two dashes is written with =, as in --${token.name.slice(0, 64)}=--value`,
      )
    const flag = byName.get(token.name)
    if (flag !== undefined)
      values.set(flag, [...(values.get(flag) ?? []), valueOf(flag, token.value)])
    else if (isOwnFlag(token.name)) {
      // The rules of the first file would get lost.
      if (token.name === 'config' && own.config !== undefined)
        throw new CommandError('--config is given twice: name one file')
      own[token.name] = ownValue(token.name, token.value)
    } else throw new CommandError(unknownFlag(token.rawName))
  }
  return { positionals, own, values }
}

function isOwnFlag(name: string): name is OwnFlag {
  return Object.hasOwn(ownFlags, name)
}

function valueOf(flag: Flag, value: string | undefined): string {
  if (value !== undefined) return value
  if (isSwitch(flag)) return 'true'
  throw new CommandError(`--${flag.name} needs a value`)
}

function ownValue(name: OwnFlag, value: string | undefined): string | true {
  if (ownFlags[name].type === 'boolean') return true
  if (value === undefined || value === '') throw new CommandError(`--${name} needs a value`)
  return value
}

function unknownFlag(name: string): string {
  const bare = name.replace(/^-+/, '')
  const meant =
    nearest(bare, names) ??
    names.find((known) => known === `oauth-${bare}` || known === bare.replace(/^no-/, ''))
  const fix =
    meant === undefined
      ? 'oauth-module --help lists the most used ones, and docs/command.md all'
      : bare.startsWith('no-')
        ? `write --${meant}=false`
        : `write --${meant}`
  return `${name.slice(0, 64)} is not a flag: ${fix}`
}
