import { sha256 } from '../http/ids.js'
import type { MembershipList, Memberships } from '../oauth/identity.js'
import { type EmailAddress, parseEmail } from './email.js'
import { emailLists, type RuleList, ruleLists, type Rules } from './rules.js'
import type { OAuthUser } from './user.js'

/** The entry of a rule list that matched a user. */
export interface RuleMatch {
  /** The list, as in `emailDomains`. */
  readonly list: RuleList
  /** The entry, spelled as in the options. */
  readonly entry: string
}

/** Whether the rules allow a user, and why. */
export type Decision =
  | {
      /** The user may pass. */
      readonly isAllowed: true
      /** The entry that matched; `undefined` if there are no lists. */
      readonly matched: RuleMatch | undefined
    }
  | Denial

/** A decision that denies access. */
export interface Denial {
  /** The user may not pass. */
  readonly isAllowed: false
  /** `'email_unverified'`: an email rule matches, but the provider has not verified the address. */
  readonly code: 'not_authorized' | 'email_unverified'
  /** The lists of which no entry matched. */
  readonly tried: readonly RuleList[]
  /**
   * Why a list could not be evaluated, for the owner: for example, the user has no email address.
   */
  readonly hint?: string | undefined
}

/** The members of a user that rule lists are compared with. */
type Subject = Pick<OAuthUser, 'email' | 'emailVerified'> & Memberships

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

/** Evaluates the rule lists of one provider or guard. */
export class Policy {
  /** The lists that are configured. */
  readonly lists: readonly RuleList[]
  /** The memberships that the lists name. */
  readonly memberships: Required<Memberships>
  readonly #matchers: readonly { readonly list: RuleList; readonly match: Matcher }[]

  constructor(rules: Rules) {
    this.lists = ruleLists.filter((list) => rules[list] !== undefined)
    this.memberships = {
      organizations: rules.organizations ?? [],
      teams: rules.teams ?? [],
      groups: rules.groups ?? [],
    }
    this.#matchers = evaluationOrder.flatMap((list) => {
      const entries = rules[list]
      return entries === undefined ? [] : [{ list, match: matchers[list](entries) }]
    })
  }

  /** `trustsEmail`: email addresses count even if the provider has not verified them. */
  evaluate(user: Subject, trustsEmail: boolean): Decision {
    if (this.lists.length === 0) return { isAllowed: true, matched: undefined }
    const matched = this.#match(user)
    if (matched === undefined) return { ...this.deny(), ...this.#emailHint(user.email) }
    const isEmail = emailLists.includes(matched.list)
    return isEmail && !user.emailVerified && !trustsEmail
      ? { isAllowed: false, code: 'email_unverified', tried: this.lists }
      : { isAllowed: true, matched }
  }

  /** The decision for a user who is denied for a reason other than the lists. */
  deny(): Denial {
    return { isAllowed: false, code: 'not_authorized', tried: this.lists }
  }

  /** Email rules that could not be evaluated. */
  #emailHint(email: string | undefined): Pick<Denial, 'hint'> {
    const hasEmailRule = emailLists.some((list) => this.lists.includes(list))
    if (!hasEmailRule || parseEmail(email) !== undefined) return {}
    const problem =
      email === undefined ? 'no email in the claims' : 'the email in the claims is not an address'
    return {
      hint: `${problem}: the rules on email addresses are not met. Request the scope that returns it, or name the claim that contains it (emailClaim with microsoft, claims.email with oidcProvider())`,
    }
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

/** Identifies the rules. If the fingerprint changes, every session is checked again. */
export function fingerprintOf(parts: unknown): string {
  return sha256(JSON.stringify(parts)).slice(0, 16)
}
