import { sha256 } from '../http/ids.js'
import type { Identity, Memberships } from '../oauth/identity.js'

/** Lists of which one entry must match: e-mails, domains, organisations, teams and groups are alternatives. */
export interface Rules {
  readonly emailAddresses?: readonly string[] | undefined
  readonly emailDomains?: readonly string[] | undefined
  readonly organizations?: readonly string[] | undefined
  readonly teams?: readonly string[] | undefined
  readonly groups?: readonly string[] | undefined
}

export const ruleLists = [
  'emailAddresses',
  'emailDomains',
  'organizations',
  'teams',
  'groups',
] as const
export type RuleList = (typeof ruleLists)[number]

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

/**
 * An address with one `@`, a dot-atom before it and a domain behind it, all ASCII (RFC 5322, 3.4.1), in lower case;
 * anything else matches no rule. The check comes before the folding: the Kelvin sign folds to `k`.
 */
export function parseEmail(
  email: string | undefined,
): { whole: string; domain: string } | undefined {
  if (email === undefined || email.length > 254) return undefined
  const match =
    /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@([A-Za-z0-9.-]+)$/.exec(
      email,
    )
  const domain = match?.[2]?.toLowerCase()
  return domain !== undefined && isDomain(domain)
    ? { whole: email.toLowerCase(), domain }
    : undefined
}

/** Labels of letters, digits and inner dashes, at least two of them. (RFC 1035, 2.3.1) */
export function isDomain(domain: string): boolean {
  return (
    domain.length <= 253 &&
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(
      domain,
    )
  )
}

/** A short name for all that decides who may pass: another one means that everybody is checked again. */
export function fingerprintOf(parts: unknown): string {
  return sha256(JSON.stringify(parts)).slice(0, 16)
}
