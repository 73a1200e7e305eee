import type { MembershipList, Memberships } from '../oauth/identity.js'
import { type EmailAddress, parseEmail } from './email.js'
import { emailLists, type RuleList, ruleLists, type RuleSet } from './rules.js'
import type { OAuthUser } from './user.js'

/** The entry of a rule list that matched a user. */
export interface RuleMatch {
  /** The list, as in `emailDomains`. */
  readonly list: RuleList
  /** The entry, spelled as in the options. */
  readonly entry: string
}

/** The members of a user that rule lists are compared with. */
export type Subject = Pick<OAuthUser, 'email' | 'emailVerified'> & Memberships

/** Returns the entry of a list that matches a user. */
type Matcher = (user: Subject) => string | undefined

/**
 * How each rule list matches users, in the order of evaluation. Teams and organizations come first,
 * because the upstream headers name the one that matched; email addresses come last, because they
 * may be unverified.
 */
const matchers: { readonly [List in RuleList]: (entries: readonly string[]) => Matcher } = {
  teams: matchMembership('teams'),
  organizations: matchMembership('organizations'),
  groups: matchMembership('groups'),
  emailAddresses: matchEmail(({ whole }) => whole),
  emailDomains: matchEmail(({ domain }) => domain),
}

const evaluationOrder = Object.keys(matchers) as RuleList[]

interface SetResult {
  /** The entry that meets the set. */
  readonly matched: RuleMatch | undefined
  /** Whether an entry matched only an email address that is not verified. */
  readonly isUnverifiedEmail: boolean
}

/** Evaluates one rule set, whose lists are alternatives. */
export class SetPolicy {
  /** The lists of the set. */
  readonly lists: readonly RuleList[]
  /** Where the set is in the options. */
  readonly name: string
  readonly #matchers: readonly { readonly list: RuleList; readonly match: Matcher }[]

  constructor(set: RuleSet, name: string) {
    this.name = name
    this.lists = ruleLists.filter((list) => set[list] !== undefined)
    this.#matchers = evaluationOrder.flatMap((list) => {
      const entries = set[list]
      return entries === undefined ? [] : [{ list, match: matchers[list](entries) }]
    })
  }

  evaluate(user: Subject, trustsEmail: boolean): SetResult {
    const matched = this.#match(user)
    if (matched === undefined) return { matched, isUnverifiedEmail: false }
    const isUnverifiedEmail =
      emailLists.includes(matched.list) && !user.emailVerified && !trustsEmail
    return { matched: isUnverifiedEmail ? undefined : matched, isUnverifiedEmail }
  }

  #match(user: Subject): RuleMatch | undefined {
    for (const { list, match } of this.#matchers) {
      const entry = match(user)
      if (entry !== undefined) return { list, entry }
    }
    return undefined
  }
}

function matchMembership(list: MembershipList) {
  return (entries: readonly string[]): Matcher =>
    (user) =>
      entries.find((name) => user[list]?.includes(name))
}

/** Compares a part of email addresses, in lower case. */
function matchEmail(partOf: (address: EmailAddress) => string) {
  return (entries: readonly string[]): Matcher => {
    const byLowerCase = new Map(entries.map((entry) => [entry.toLowerCase(), entry]))
    return ({ email }) => {
      const address = parseEmail(email)
      return address && byLowerCase.get(partOf(address))
    }
  }
}
