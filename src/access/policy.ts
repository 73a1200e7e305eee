import { sha256 } from '../http/ids.js'
import type { Memberships } from '../oauth/identity.js'
import { parseEmail } from './email.js'
import { type RuleList, ruleLists, type Rules } from './rules.js'
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
  | {
      /** The user may not pass. */
      readonly isAllowed: false
      /** `'email_unverified'`: an email rule matches, but the provider has not verified the address. */
      readonly code: 'not_authorized' | 'email_unverified'
      /** The lists of which no entry matched. */
      readonly tried: readonly RuleList[]
    }

/** A decision that denies access. */
export type Denial = Extract<Decision, { isAllowed: false }>

/** The members of a user that rule lists are compared with. */
type Subject = Pick<OAuthUser, 'email' | 'emailVerified'> & Memberships

/** Evaluates the rule lists of one provider or guard. */
export class Policy {
  /** The lists that are configured. */
  readonly lists: readonly RuleList[]
  /** The memberships that the lists name. */
  readonly memberships: Required<Memberships>
  readonly #emails: ReadonlyMap<string, string>
  readonly #domains: ReadonlyMap<string, string>

  constructor(rules: Rules) {
    this.lists = ruleLists.filter((list) => rules[list] !== undefined)
    this.memberships = {
      organizations: rules.organizations ?? [],
      teams: rules.teams ?? [],
      groups: rules.groups ?? [],
    }
    this.#emails = byLowerCase(rules.emailAddresses)
    this.#domains = byLowerCase(rules.emailDomains)
  }

  /** `trustsEmail`: email addresses count even if the provider has not verified them. */
  evaluate(user: Subject, trustsEmail: boolean): Decision {
    if (this.lists.length === 0) return { isAllowed: true, matched: undefined }
    // Memberships first, because the upstream headers name the team or organization that matched.
    const matched = this.#matchMembership(user) ?? this.#matchEmail(user.email)
    if (matched === undefined) return this.deny()
    const isEmail = matched.list === 'emailAddresses' || matched.list === 'emailDomains'
    return isEmail && !user.emailVerified && !trustsEmail
      ? { isAllowed: false, code: 'email_unverified', tried: this.lists }
      : { isAllowed: true, matched }
  }

  /** The decision for a user who is denied for a reason other than the lists. */
  deny(): Denial {
    return { isAllowed: false, code: 'not_authorized', tried: this.lists }
  }

  #matchMembership(memberships: Memberships): RuleMatch | undefined {
    for (const list of ['teams', 'organizations', 'groups'] as const) {
      const entry = this.memberships[list].find((name) => memberships[list]?.includes(name))
      if (entry !== undefined) return { list, entry }
    }
    return undefined
  }

  #matchEmail(email: string | undefined): RuleMatch | undefined {
    const address = parseEmail(email)
    if (address === undefined) return undefined
    const entry = this.#emails.get(address.whole)
    if (entry !== undefined) return { list: 'emailAddresses', entry }
    const domain = this.#domains.get(address.domain)
    return domain === undefined ? undefined : { list: 'emailDomains', entry: domain }
  }
}

function byLowerCase(entries: readonly string[] = []): Map<string, string> {
  return new Map(entries.map((entry) => [entry.toLowerCase(), entry]))
}

/** Identifies the rules. If the fingerprint changes, every session is checked again. */
export function fingerprintOf(parts: unknown): string {
  return sha256(JSON.stringify(parts)).slice(0, 16)
}
