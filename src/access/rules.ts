import type { Field } from '../schema/field.js'
import { strings } from '../schema/types.js'
import { isDomain, parseEmail } from './email.js'

/** Rule lists. They are alternatives: a user who matches one entry of one list may pass. */
export interface Rules {
  /** Verified email addresses. */
  readonly emailAddresses?: readonly string[] | undefined
  /** Domains of verified email addresses, compared whole: subdomains do not match. */
  readonly emailDomains?: readonly string[] | undefined
  /** Slugs of organizations that the user is a member of. */
  readonly organizations?: readonly string[] | undefined
  /** Teams that the user is a member of: `organization/team-slug`, or the numeric ID. */
  readonly teams?: readonly string[] | undefined
  /** Groups that the user is a member of. Compared exactly. */
  readonly groups?: readonly string[] | undefined
}

/** Name of a rule list. */
export type RuleList = keyof Rules

type RuleField = Field<readonly string[], undefined>
/** The fields of all rule lists. */
export type RuleFields = Record<RuleList, RuleField>

const lowerCase = (item: string) => item.toLowerCase()

/** An array whose entries match `pattern`, compared in lower case. */
const slugs = (pattern: RegExp, fix: string): RuleField =>
  strings({ check: (item) => (pattern.test(item) ? undefined : fix), normalize: lowerCase })

/**
 * Every rule list: how its entries are checked and compared. A list of `membershipLists` needs the
 * provider's API or claims.
 */
export const ruleFields = {
  emailAddresses: strings({ check: checkEmail, normalize: lowerCase }),
  emailDomains: strings({ check: checkDomain, normalize: lowerCase }),
  organizations: slugs(
    /^[A-Za-z0-9_.-]+$/,
    "has an entry that is not a slug: write it as in 'acme'",
  ),
  teams: slugs(
    /^(?:[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+|\d+)$/,
    "has an entry that is not a team: write it as in 'acme/team-slug', or its numeric ID",
  ),
  groups: strings(),
} satisfies RuleFields

/** The names of all rule lists, in the order in which they are reported. */
export const ruleLists = Object.keys(ruleFields) as RuleList[]

/** The names of the rule lists that need a verified email address. */
export const emailLists: readonly RuleList[] = ['emailAddresses', 'emailDomains']

/** The rule lists among parsed options. */
export function rulesOf(values: Rules): Rules {
  return Object.fromEntries(ruleLists.map((list) => [list, values[list]]))
}

/** Whether at least one rule list is configured. */
export function hasRules(rules: Rules): boolean {
  return ruleLists.some((list) => rules[list] !== undefined)
}

function checkEmail(item: string): string | undefined {
  if (item.startsWith('*'))
    return 'has an entry that is not an email address: there are no wildcards, list domains in emailDomains'
  return parseEmail(item) ? undefined : 'has an entry that is not an email address'
}

function checkDomain(item: string): string | undefined {
  return isDomain(item)
    ? undefined
    : "has an entry that is not a domain: write it as in 'example.com', in punycode if it is not ASCII"
}
