/**
 * The table of an options object: one {@link Field} per option, with its type, limits and default.
 * The check for unknown options, the messages and the tests of wrong values follow from the tables.
 */
export type Fields = Readonly<Record<string, Field>>

/** The parsed values of a table. */
export type Values<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends Field<infer T, infer Absent> ? T | Absent : never
}

/**
 * What a field accepts, as data: the basis for generated schemas and test rows. Only code can
 * supply the value of a `function`, and of an `any`.
 */
export type FieldSchema =
  | { readonly type: 'boolean' | 'function' | 'record' | 'strings' | 'url' | 'secret' | 'any' }
  | { readonly type: 'seconds' | 'integer'; readonly min: number; readonly max: number }
  | { readonly type: 'string'; readonly max: number; readonly pattern: RegExp | undefined }
  | { readonly type: 'enum'; readonly values: readonly (string | boolean)[] }
  | { readonly type: 'object'; readonly fields: Fields }
  | { readonly type: 'array' | 'map'; readonly of: FieldSchema }
  | { readonly type: 'anyOf'; readonly of: readonly FieldSchema[] }

/**
 * Converts an option to its value in the configuration. Returns `undefined` after adding a mistake.
 */
export type Parse<T> = (value: unknown, mistakes: Mistakes) => T | undefined

interface FieldDetails<Absent> {
  /** The value if the option is absent or `undefined`. */
  readonly absent: Absent
  readonly default?: unknown
  /** The message if a required option is missing: how to fix it. */
  readonly missing?: string
  /** The message if the key is present but its value is `undefined`. Default: as if absent. */
  readonly whenUndefined?: string
  readonly description?: string
}

/** The mistake of a restriction that is `undefined`. */
export const UNDEFINED =
  'is undefined: set it, or leave out the key if there is no such restriction. Is the environment variable that it is read from set?'

/**
 * One option. `T` is its value in the configuration, `Absent` its value if the option is missing.
 */
export class Field<T = unknown, Absent = unknown> {
  constructor(
    readonly schema: FieldSchema,
    readonly parse: Parse<T>,
    readonly details: FieldDetails<Absent>,
  ) {}

  /** Sets the default, in the unit of the option. */
  default(value: unknown): Field<T, T> {
    const absent = this.parse(value, new Mistakes('default'))
    if (absent === undefined) throw new Error('a default value must be valid')
    return new Field(this.schema, this.parse, { ...this.details, absent, default: value })
  }

  /** Makes a missing option a mistake; `fix` is the rest of the message. */
  required(fix: string): Field<T, T> {
    const details = { ...this.details, missing: fix } as unknown as FieldDetails<T>
    return new Field(this.schema, this.parse, details)
  }

  /**
   * Makes a key whose value is `undefined` a mistake, for options that restrict who may pass: a
   * rule must not disappear with the environment variable that it is read from.
   */
  rejectUndefined(fix = UNDEFINED): Field<T, Absent> {
    return new Field(this.schema, this.parse, { ...this.details, whenUndefined: fix })
  }

  /** Adds one sentence for documentation. */
  describe(description: string): Field<T, Absent> {
    return new Field(this.schema, this.parse, { ...this.details, description })
  }
}

/**
 * Collects all mistakes of a configuration. Messages name the option and the fix, and never quote a
 * value: it may be a secret.
 */
export class Mistakes {
  readonly #path: string
  readonly #mistakes: { path: string; message: string }[]

  constructor(path: string, mistakes: { path: string; message: string }[] = []) {
    this.#path = path
    this.#mistakes = mistakes
  }

  /** The same collection, for mistakes of the option `name`. */
  at(name: string): Mistakes {
    return new Mistakes(`${this.#path}.${name}`, this.#mistakes)
  }

  /** The same collection, for mistakes of an entry of an array. */
  item(index: number): Mistakes {
    return new Mistakes(`${this.#path}[${index}]`, this.#mistakes)
  }

  /** Adds a mistake. `fix` follows the name of the option in the message. */
  add(fix: string): undefined {
    this.#mistakes.push({ path: this.#path, message: `${this.#path} ${fix}` })
  }

  /** Whether there is a mistake in one of the named options. */
  has(...names: readonly string[]): boolean {
    return names.some((name) => this.at(name).hasAny())
  }

  /** Whether there is a mistake here, or in any option below. */
  hasAny(): boolean {
    return this.#mistakes.some(({ path }) => isWithin(path, this.#path))
  }

  /** Adds the mistakes of another check, except where there are some already: these caused them. */
  addFrom(other: Mistakes): void {
    const known = this.#mistakes.map(({ path }) => path)
    const isKnown = (path: string) => known.some((one) => isWithin(path, one))
    this.#mistakes.push(...other.#mistakes.filter(({ path }) => !isKnown(path)))
  }

  /** Throws one `TypeError` with one line per mistake. */
  throwIfAny(): void {
    if (this.#mistakes.length > 0)
      throw new TypeError(this.#mistakes.map(({ message }) => message).join('\n'))
  }
}

/** Whether a path names an option, or anything in it. */
function isWithin(path: string, option: string): boolean {
  return path === option || path.startsWith(`${option}.`) || path.startsWith(`${option}[`)
}
