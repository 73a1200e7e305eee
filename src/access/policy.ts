import { sha256 } from '../http/ids.js'
import type { Identity, Memberships } from '../oauth/identity.js'
import { parseEmail } from './email.js'
import { type RuleList, ruleLists, type Rules } from './rules.js'

/** What the rules say of somebody. */
export type Decision =
  | { readonly isAllowed: true; readonly matched: Match | undefined }
  | {
      readonly isAllowed: false
      readonly code: 'not_authorized' | 'email_unverified'
      readonly tried: readonly RuleList[]
    }

/** A decision against somebody. */
export type Denial = Extract<Decision, { isAllowed: false }>

/** The entry that let somebody in. */
interface Match {
  readonly list: RuleList
  readonly entry: string
}

export interface Policy {
  evaluate(identity: Pick<Identity, 'email' | 'emailVerified'>, memberships: Memberships): Decision
  /** Memberships that some rule asks about. */
  readonly wanted: Required<Memberships>
  /** The lists there are. */
  readonly lists: readonly RuleList[]
}

export function createPolicy(rules: Rules): Policy {
  const emails = foldedIndex(rules.emailAddresses)
  const domains = foldedIndex(rules.emailDomains)
  const wanted = {
    organizations: rules.organizations ?? [],
    teams: rules.teams ?? [],
    groups: rules.groups ?? [],
  }
  const lists = ruleLists.filter((list) => rules[list] !== undefined)

  const matchEmail = (email: string | undefined): Match | undefined => {
    const address = parseEmail(email)
    if (address === undefined) return undefined
    const entry = emails.get(address.whole)
    if (entry !== undefined) return { list: 'emailAddresses', entry }
    const domain = domains.get(address.domain)
    return domain === undefined ? undefined : { list: 'emailDomains', entry: domain }
  }

  return {
    wanted,
    lists,
    evaluate(identity, memberships) {
      if (lists.length === 0) return { isAllowed: true, matched: undefined }
      // Memberships first: the headers name the team or organisation that matched.
      for (const list of ['teams', 'organizations', 'groups'] as const) {
        const entry = wanted[list].find((one) => memberships[list]?.includes(one))
        if (entry !== undefined) return { isAllowed: true, matched: { list, entry } }
      }
      const match = matchEmail(identity.email)
      if (match === undefined) return { isAllowed: false, code: 'not_authorized', tried: lists }
      if (!identity.emailVerified)
        return { isAllowed: false, code: 'email_unverified', tried: lists }
      return { isAllowed: true, matched: match }
    },
  }
}

function foldedIndex(entries: readonly string[] = []): Map<string, string> {
  return new Map(entries.map((entry) => [entry.toLowerCase(), entry]))
}

/** A short name for all that decides who may pass: another one means that everybody is checked again. */
export function fingerprintOf(parts: unknown): string {
  return sha256(JSON.stringify(parts)).slice(0, 16)
}
