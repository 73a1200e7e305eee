import { isPlainObject } from '../schema/read-fields.js'

/** A value and where it was set, as in `--oauth-scope` or `OAUTH_MODULE_SECRET`. */
export interface Setting {
  readonly path: readonly string[]
  readonly value: unknown
  readonly origin: string
}

/** Settings by their path; a later one replaces an earlier one. */
export type Settled = ReadonlyMap<string, Setting>

/** Separates the names of a path: no name contains it. */
const SEPARATOR = '\u0000'

/** Objects that are one value rather than a group of options. */
function isGroup(value: unknown): value is Record<string, unknown> {
  return (
    isPlainObject(value) &&
    !Object.hasOwn(value, 'sealed') &&
    !Object.hasOwn(value, 'file') &&
    Object.keys(value).length > 0
  )
}

/** The settings in a configuration, one for every value. */
export function settingsIn(
  value: unknown,
  origin: string,
  path: readonly string[] = [],
): Setting[] {
  return isGroup(value)
    ? Object.entries(value).flatMap(([name, item]) => settingsIn(item, origin, [...path, name]))
    : [{ path, value, origin }]
}

/** Applies settings in the order of their precedence, the weakest first. */
export function settle(settings: readonly Setting[]): Settled {
  const settled = new Map<string, Setting>()
  for (const setting of settings) {
    const key = setting.path.join(SEPARATOR)
    // Otherwise `{"github": {}}` would remove the rules of a weaker layer.
    if (isEmpty(setting.value) && [...settled.keys()].some((other) => isAbove(key, other))) continue
    for (const other of settled.keys())
      if (isAbove(key, other) || isAbove(other, key)) settled.delete(other)
    settled.set(key, setting)
  }
  return settled
}

function isEmpty(value: unknown): boolean {
  return isPlainObject(value) && Object.keys(value).length === 0
}

function isAbove(key: string, other: string): boolean {
  return other.startsWith(`${key}${SEPARATOR}`)
}

/** The configuration that the settings add up to. */
export function configurationOf(settled: Settled): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const { path, value } of settled.values()) {
    const last = path.at(-1)
    let group = root
    for (const name of path.slice(0, -1)) group = groupIn(group, name)
    if (last !== undefined) define(group, last, value)
  }
  return root
}

function groupIn(group: Record<string, unknown>, name: string): Record<string, unknown> {
  const found = Object.hasOwn(group, name) ? group[name] : undefined
  return isPlainObject(found) ? found : define(group, name, {})
}

/** Also defines `__proto__`, which is then reported as unknown. */
function define<T>(group: Record<string, unknown>, name: string, value: T): T {
  Object.defineProperty(group, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
  return value
}
