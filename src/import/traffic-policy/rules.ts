import { parseCel } from './cel.js'
import { conditionOf } from './condition.js'
import { type Clause, clausesOf, type Fact, type Formula, not } from './formula.js'
import type { ImportedRules } from '../rule-sets.js'
import type { Constants } from './values.js'

/** Who passes a rule that denies, or why this cannot be expressed. */
export type DenyRule =
  | { readonly sets: readonly ImportedRules[]; readonly notes: readonly string[] }
  | { readonly problem: string }

/** The expressions of a rule, all of which must hold. */
export function conditionOfAll(
  expressions: readonly string[],
  constants: Constants,
): Formula | undefined {
  const parts: Formula[] = []
  for (const expression of expressions) {
    const cel = parseCel(expression)
    if (cel === undefined) return undefined
    parts.push(conditionOf(cel, constants))
  }
  return { kind: 'and', parts }
}

const PER_ROUTE =
  'is a rule for some requests only: use requireAuth() on the routes of an app, or configure it by hand.'
const NOT_ON_USERS =
  'decides by more than the email address of the user: use authorize in an app, or configure it by hand.'

/** Who passes a rule that denies requests under a condition. `open` are paths without a login. */
export function rulesOfDeny(condition: Formula | undefined, open: ReadonlySet<string>): DenyRule {
  const clauses = condition && clausesOf(not(condition))
  if (clauses === undefined) return { problem: NOT_ON_USERS }
  const sets: ImportedRules[] = []
  const notes = new Set<string>()
  for (const clause of clauses) {
    const converted = setOf(clause, open, notes)
    if (typeof converted === 'string') return { problem: converted }
    sets.push(converted)
  }
  return { sets, notes: [...notes] }
}

function setOf(
  clause: Clause,
  open: ReadonlySet<string>,
  notes: Set<string>,
): ImportedRules | string {
  const set: Record<string, string[]> = {}
  for (const { fact, isNegated } of clause) {
    if (fact.kind === 'other') return NOT_ON_USERS
    if (fact.kind === 'method') return PER_ROUTE
    // Requests for open paths never get here.
    if (fact.kind === 'path' && (isNegated || !open.has(fact.path))) return PER_ROUTE
    if (fact.kind === 'path') continue
    if (isNegated)
      return fact.kind === 'noEmail'
        ? 'requires an email address, whatever it is: list the domains in emailDomains.'
        : 'denies single users or domains: block them in users.block(), or use authorize in an app.'
    const note = addFact(set, fact)
    if (note !== undefined) notes.add(note)
  }
  return Object.keys(set).length > 0 ? set : 'denies every user.'
}

/** Adds an entry to its list; returns what changes. */
function addFact(set: Record<string, string[]>, fact: Fact): string | undefined {
  if (fact.kind === 'noEmail')
    return 'let users without an email address pass: they are denied now.'
  if (fact.kind !== 'rule' && fact.kind !== 'suffix') return undefined
  const list = fact.kind === 'rule' ? fact.list : 'emailDomains'
  const entries = (set[list] ??= [])
  if (!entries.includes(fact.entry)) entries.push(fact.entry)
  return fact.kind === 'suffix'
    ? `compared the end of the address, which also matches domains that only end in ${fact.entry}: now it is the whole domain, so list subdomains in emailDomains.`
    : undefined
}

/** The paths that a condition of the login leaves open, if it does nothing else. */
export function openPaths(condition: Formula | undefined): readonly string[] | undefined {
  const clauses = condition && clausesOf(condition)
  if (clauses === undefined) return undefined
  const paths: string[] = []
  for (const clause of clauses) {
    const [only] = clause
    if (clause.length !== 1 || only?.fact.kind !== 'path' || !only.isNegated) return undefined
    paths.push(only.fact.path)
  }
  return paths
}
