import { sha256 } from '../http/ids.js'
import type { MembershipList, Memberships } from '../oauth/identity.js'
import { parseEmail } from './email.js'
import { emailLists, namesList, type RuleList, ruleLists, type Rules, ruleSets } from './rules.js'
import { type RuleMatch, SetPolicy, type Subject } from './set-policy.js'

/** Whether the rules allow a user, and why. */
export type Decision =
  | {
      /** The user may pass. */
      readonly isAllowed: true
      /**
       * The entry that matched; `undefined` if there are no lists. With `allOf`, that of the first
       * rule set.
       */
      readonly matched: RuleMatch | undefined
      /**
       * If there are several rule sets: the entry of each that matched, the lists next to `allOf`
       * first.
       */
      readonly matches?: readonly RuleMatch[] | undefined
    }
  | Denial

/** A decision that denies access. */
export interface Denial {
  /** The user may not pass. */
  readonly isAllowed: false
  /** `'email_unverified'`: an email rule matches, but the provider has not verified the address. */
  readonly code: 'not_authorized' | 'email_unverified'
  /**
   * The lists of which no entry matched. With `allOf`, the lists of the rule sets that are not met.
   */
  readonly tried: readonly RuleList[]
  /**
   * If there are several rule sets: those that are not met, as in `allOf[0]`; `lists` are those
   * next to `allOf`.
   */
  readonly unmet?: readonly string[] | undefined
  /**
   * Why a list could not be evaluated, for the owner: for example, the user has no email address.
   */
  readonly hint?: string | undefined
}

/** Why the user is denied, for the owner. */
export function denialHint({ code, hint, tried }: Denial): string | undefined {
  if (hint !== undefined || code !== 'not_authorized' || tried.length === 0) return hint
  return `no entry of ${tried.join(', ')} matches the user, or authorize returned false: call explain(user)`
}

/** Evaluates the rules of one provider or guard: every rule set must be met. */
export class Policy {
  /** The lists that are configured, in any rule set. */
  readonly lists: readonly RuleList[]
  /** The memberships that the lists name. */
  readonly memberships: Required<Memberships>
  readonly #sets: readonly SetPolicy[]

  constructor(rules: Rules) {
    this.#sets = ruleSets(rules).map(
      ({ set, index }) => new SetPolicy(set, index === undefined ? 'lists' : `allOf[${index}]`),
    )
    const entriesOf = (list: MembershipList) => [
      ...new Set(ruleSets(rules).flatMap(({ set }) => set[list] ?? [])),
    ]
    this.lists = ruleLists.filter((list) => namesList(rules, list))
    this.memberships = {
      organizations: entriesOf('organizations'),
      teams: entriesOf('teams'),
      groups: entriesOf('groups'),
    }
  }

  /** `trustsEmail`: email addresses count even if the provider has not verified them. */
  evaluate(user: Subject, trustsEmail: boolean): Decision {
    const results = this.#sets.map((set) => ({ set, ...set.evaluate(user, trustsEmail) }))
    const unmet = results.filter(({ matched }) => matched === undefined)
    if (unmet.length > 0) {
      // A verified email address would help only if nothing else is missing.
      const isUnverified = unmet.every(({ isUnverifiedEmail }) => isUnverifiedEmail)
      return {
        ...this.deny(unmet.map(({ set }) => set)),
        ...(isUnverified ? { code: 'email_unverified' } : emailHint(user.email, unmet)),
      }
    }
    const [matched, ...more] = results.flatMap((result) => result.matched ?? [])
    return {
      isAllowed: true,
      matched,
      ...(matched && more.length > 0 && { matches: [matched, ...more] }),
    }
  }

  /** The decision for a user who is denied for a reason other than the lists. */
  deny(unmet: readonly SetPolicy[] = []): Denial {
    const tried = this.lists.filter((list) => unmet.some(({ lists }) => lists.includes(list)))
    return {
      isAllowed: false,
      code: 'not_authorized',
      tried: unmet.length === 0 ? this.lists : tried,
      ...(unmet.length > 0 && this.#sets.length > 1 && { unmet: unmet.map(({ name }) => name) }),
    }
  }
}

/** Email rules that could not be evaluated. */
function emailHint(
  email: string | undefined,
  unmet: readonly { readonly set: SetPolicy }[],
): Pick<Denial, 'hint'> {
  const hasEmailRule = unmet.some(({ set }) => emailLists.some((list) => set.lists.includes(list)))
  if (!hasEmailRule || parseEmail(email) !== undefined) return {}
  const problem =
    email === undefined ? 'no email in the claims' : 'the email in the claims is not an address'
  return {
    hint: `${problem}: the rules on email addresses are not met. Request the scope that returns it, or name the claim that contains it (emailClaim with microsoft, claims.email with oidcProvider())`,
  }
}

/** Identifies the rules. If the fingerprint changes, every session is checked again. */
export function fingerprintOf(parts: unknown): string {
  return sha256(JSON.stringify(parts)).slice(0, 16)
}
