import type { CommandSettings, Difference, ImportResult } from './result.js'

/** A configuration with values of the wrong type. Quotes none of them. */
export class InvalidConfiguration extends TypeError {}

/** The options that a conversion has set so far. */
export class ImportDraft {
  readonly #product: string
  readonly #options: Record<string, unknown> = {}
  readonly #command: Record<string, unknown> = {}
  readonly #providers: Record<string, Record<string, unknown>> = {}
  readonly #differences: Difference[] = []
  readonly #unsupported: Difference[] = []
  readonly #mistakes: string[] = []

  /** `product` names the configuration in error messages. */
  constructor(product: string) {
    this.#product = product
  }

  /** Sets an option of `oauthModule()`. */
  option(name: string, value: unknown): void {
    this.#options[name] = value
  }

  /** Sets a member of an option that is an object, such as `cookie`. */
  member(option: string, name: string, value: unknown): void {
    this.#options[option] = { ...(this.#options[option] as object | undefined), [name]: value }
  }

  /** Adds options of a provider. */
  provider(name: string, options: Readonly<Record<string, unknown>>): void {
    this.#providers[name] = { ...this.#providers[name], ...options }
  }

  /** The options of a provider so far. */
  providerOptions(name: string): Readonly<Record<string, unknown>> {
    return this.#providers[name] ?? {}
  }

  /** Sets a setting of the command. */
  command<Name extends keyof CommandSettings>(name: Name, value: CommandSettings[Name]): void {
    this.#command[name] = value
  }

  /** Reports a setting that behaves differently. */
  differs(name: string, message: string): void {
    this.#differences.push({ name, message })
  }

  /** Reports a setting that the options cannot express. */
  cannot(name: string, message: string): void {
    this.#unsupported.push({ name, message })
  }

  /** Reports a setting whose value is wrong: {@link result} throws. */
  mistake(name: string, problem: string): undefined {
    this.#mistakes.push(`${name} ${problem}`)
  }

  /** The conversion. Throws a `TypeError` that lists all wrong values. */
  result(): ImportResult {
    if (this.#mistakes.length > 0)
      throw new InvalidConfiguration(`${this.#product}: ${this.#mistakes.join('; ')}`)
    this.#fitDurations()
    return {
      // `oauthModule()` checks the values, which are those of the other product.
      options: { provider: this.#providers, ...this.#options },
      command: this.#command,
      differences: this.#differences,
      unsupported: this.#unsupported,
    }
  }

  /** An inactivity timeout beyond the maximum duration has no effect, and is not accepted. */
  #fitDurations(): void {
    const { inactivityTimeout: idle, maximumDuration: maximum } = this.#options
    if (typeof idle !== 'number' || typeof maximum !== 'number' || maximum === 0) return
    if (idle <= maximum) return
    delete this.#options['inactivityTimeout']
    this.differs(
      'inactivityTimeout',
      'is left out: sessions end before it, at their maximum duration.',
    )
  }
}
