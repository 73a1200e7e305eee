import type { ImportDraft } from './draft.js'

/** Alternatives, as a rule set of a provider. */
export type ImportedRules = Readonly<Partial<Record<string, readonly string[]>>>

/**
 * The rule sets of a conversion, each of which a user must meet. A rule that cannot be expressed
 * leaves an empty set: options with it are rejected, so that no user passes by mistake.
 */
export class RuleSets {
  readonly #draft: ImportDraft
  readonly #sets = new Map<string, ImportedRules>()

  constructor(draft: ImportDraft) {
    this.#draft = draft
  }

  /** Adds a set. Lists without entries are left out. */
  add(rules: ImportedRules): void {
    const lists = Object.entries(rules).filter(([, list]) => list !== undefined && list.length > 0)
    if (lists.length > 0) this.#keep(Object.fromEntries(lists))
  }

  /** Reports a rule that the options cannot express. */
  missing(name: string, message: string): void {
    this.#draft.cannot(
      name,
      `${message} Replace the empty rule set in allOf by what it required, or remove it.`,
    )
    this.#keep({})
  }

  /** Whether a user must meet several sets. */
  get isConjunction(): boolean {
    return this.#sets.size > 1
  }

  /** Sets the rules of a provider. */
  apply(provider: string): void {
    const sets = [...this.#sets.values()]
    const [only = {}] = sets
    // With the headers of oauth2-proxy, lists next to each other are not accepted.
    const current = this.#draft.providerOptions(provider)
    const isOneList =
      sets.length === 1 &&
      Object.keys(only).length === 1 &&
      // Lists of the login itself must be met as well.
      Object.keys(only).every((list) => current[list] === undefined)
    if (sets.length > 0) this.#draft.provider(provider, isOneList ? only : { allOf: sets })
  }

  #keep(rules: ImportedRules): void {
    this.#sets.set(JSON.stringify(rules), rules)
  }
}
