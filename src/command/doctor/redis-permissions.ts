import * as scripts from '../../session/stores/redis/scripts.js'

/** Sends a command as it is. */
export type SendCommand = (args: readonly string[]) => Promise<unknown>

const TTL_MS = '10000'

/** Harmless arguments for each command that the store uses; `key` and `index` are keys of the doctor. */
const TRIALS: Readonly<Record<string, (key: string, index: string) => readonly string[]>> = {
  GET: (key) => [key],
  SET: (key) => [key, '1', 'PX', TTL_MS],
  GETRANGE: (key) => [key, '0', '1'],
  DEL: (key) => [key],
  TIME: () => [],
  ZADD: (_, index) => [index, '0', 'member'],
  ZRANGEBYSCORE: (_, index) => [index, '-inf', '-1'],
  ZREVRANGEBYLEX: (_, index) => [index, '+', '-'],
  ZSCORE: (_, index) => [index, 'member'],
  ZREM: (_, index) => [index, 'member'],
  PTTL: (key) => [key],
  PEXPIRE: (_, index) => [index, TTL_MS],
  EVAL: (key) => ["return redis.pcall('GET', KEYS[1])", '1', key],
  EVALSHA: (key) => [scripts.readRow.sha, '1', key],
}

/** The commands of the scripts, and those that run them. */
export const STORE_COMMANDS: readonly string[] = [
  'GET',
  'EVAL',
  'EVALSHA',
  ...new Set(
    Object.values(scripts).flatMap(({ source }) =>
      [...source.matchAll(/redis\.p?call\('([A-Z]+)'/g)].map(([, command = '']) => command),
    ),
  ),
].filter((command, index, all) => all.indexOf(command) === index)

/** What the user of a Redis client may not do. */
export interface MissingPermissions {
  readonly commands: readonly string[]
  /** Whether the keys with the prefix of the store are not allowed. */
  readonly keys: boolean
}

/** Tries each command of the store at keys of its own below `prefix`, which expire. */
export async function missingPermissions(
  send: SendCommand,
  prefix: string,
  id: string,
): Promise<MissingPermissions> {
  const [key, index] = [`${prefix}doctor:${id}`, `${prefix}doctor:${id}:index`]
  const commands: string[] = []
  let keys = false
  // In this order: the last ones delete what the first ones write.
  for (const command of inOrder(STORE_COMMANDS)) {
    const args = TRIALS[command]?.(key, index) ?? []
    const refusal = await send([command, ...args]).then(
      () => undefined,
      (thrown: unknown) => (thrown instanceof Error ? thrown.message : ''),
    )
    if (refusal === undefined || !refusal.startsWith('NOPERM')) continue
    if (/key/i.test(refusal) && !/command/i.test(refusal)) keys = true
    else commands.push(command)
  }
  return { commands, keys }
}

function inOrder(commands: readonly string[]): readonly string[] {
  const isLast = (command: string) => command === 'ZREM' || command === 'DEL'
  return [...commands.filter((one) => !isLast(one)), ...commands.filter(isLast)]
}

/** The `ACL SETUSER` rules that the store needs. */
export function requiredRules(prefix: string): string {
  return [`~${prefix}*`, ...STORE_COMMANDS.map((command) => `+${command.toLowerCase()}`)].join(' ')
}
