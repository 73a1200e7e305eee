/** What decides about a request: facts that lists of rules, or settings of the command, express. */
export type Fact =
  | {
      readonly kind: 'rule'
      readonly list: 'emailAddresses' | 'emailDomains'
      readonly entry: string
    }
  /** `entry` was the end of an address, also within the name of a domain. */
  | { readonly kind: 'suffix'; readonly entry: string }
  | { readonly kind: 'noEmail' }
  /** An allowed path of the command, as in `/health` or `/hooks/*`. */
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'method'; readonly method: string }
  /** Anything else. */
  | { readonly kind: 'other' }

/** A fact or its negation. */
export interface Literal {
  readonly fact: Fact
  readonly isNegated: boolean
}

/** A boolean formula without negations other than those of facts. */
export type Formula =
  | { readonly kind: 'literal'; readonly literal: Literal }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Formula[] }

/** A formula that is always true, or never. */
export const always: Formula = { kind: 'and', parts: [] }
/** A formula that is never true. */
export const never: Formula = { kind: 'or', parts: [] }

/** A formula of one fact. */
export function literal(fact: Fact, isNegated = false): Formula {
  return { kind: 'literal', literal: { fact, isNegated } }
}

/** The negation of a formula. */
export function not(formula: Formula): Formula {
  if (formula.kind === 'literal') return literal(formula.literal.fact, !formula.literal.isNegated)
  return { kind: formula.kind === 'and' ? 'or' : 'and', parts: formula.parts.map(not) }
}

/** Alternatives, one of which must hold. */
export type Clause = readonly Literal[]

const MAX_CLAUSES = 64

/**
 * The clauses that must all hold (conjunctive normal form); `undefined` if there are too many.
 */
export function clausesOf(formula: Formula): readonly Clause[] | undefined {
  if (formula.kind === 'literal') return [[formula.literal]]
  let result: readonly Clause[] = formula.kind === 'and' ? [] : [[]]
  for (const part of formula.parts) {
    const clauses = clausesOf(part)
    if (clauses === undefined) return undefined
    result =
      formula.kind === 'and'
        ? [...result, ...clauses]
        : result.flatMap((one) => clauses.map((other) => [...one, ...other]))
    if (result.length > MAX_CLAUSES) return undefined
  }
  return result
}
