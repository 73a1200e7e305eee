import type { Field, Fields, FieldSchema, Mistakes } from '../schema/field.js'
import { readFields } from '../schema/read-fields.js'
import { custom, strings } from '../schema/types.js'
import { isDomain, parseEmail } from './email.js'

/** Rule lists. They are alternatives: a user who matches one entry of one list meets the set. */
export interface RuleSet {
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

/** Who may pass: users who meet every rule set. The lists next to `allOf` form one more set. */
export interface Rules extends RuleSet {
  /** Rule sets, each of which must be met. Default: none. */
  readonly allOf?: readonly RuleSet[] | undefined
}

/** Name of a rule list. */
export type RuleList = keyof RuleSet

/** A rule set of a provider: the lists that every provider has, and those named. */
export type RuleSetWith<List extends RuleList = never> = Pick<
  RuleSet,
  'emailAddresses' | 'emailDomains' | List
>

type RuleField = Field<readonly string[], undefined>
/** The fields of all rule lists. */
export type RuleFields = Record<RuleList, RuleField>

const lowerCase = (item: string) => item.toLowerCase()

const ruleList = (entries?: Parameters<typeof strings>[0]): RuleField =>
  strings(entries).rejectUndefined()

/** An array whose entries match `pattern`, compared in lower case. */
const slugs = (pattern: RegExp, fix: string): RuleField =>
  ruleList({
    check: (item) => {
      if (item.includes('*')) return 'has an entry with a wildcard: there are no wildcards'
      return pattern.test(item) ? undefined : fix
    },
    normalize: lowerCase,
  })

/**
 * Every rule list: how its entries are checked and compared. A list of `membershipLists` needs the
 * provider's API or claims.
 */
export const ruleFields = {
  emailAddresses: ruleList({ check: checkEmail, normalize: lowerCase }).describe(
    'Verified email addresses that may pass.',
  ),
  emailDomains: ruleList({ check: checkDomain, normalize: lowerCase }).describe(
    'Domains of verified email addresses that may pass, without their subdomains.',
  ),
  organizations: slugs(
    /^[A-Za-z0-9_.-]+$/,
    "has an entry that is not a slug: write it as in 'acme'",
  ).describe('Organizations whose members may pass.'),
  teams: slugs(
    /^(?:[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+|\d+)$/,
    "has an entry that is not a team: write it as in 'acme/team-slug', or its numeric ID",
  ).describe("Teams whose members may pass, as in 'acme/team-slug'."),
  groups: ruleList().describe('Groups whose members may pass.'),
} satisfies RuleFields

/** The names of all rule lists, in the order in which they are reported. */
export const ruleLists = Object.keys(ruleFields) as RuleList[]

/** The names of the rule lists that need a verified email address. */
export const emailLists: readonly RuleList[] = ['emailAddresses', 'emailDomains']

/** The option `allOf`, for rule sets of these lists. */
export function allOfField(lists: Partial<RuleFields>): Field<readonly RuleSet[], undefined> {
  const parse = (value: unknown, mistakes: Mistakes): readonly RuleSet[] | undefined => {
    if (!Array.isArray(value))
      return mistakes.add("must be an array of rule sets, as in [{ emailDomains: ['…'] }]")
    if (value.length === 0)
      return mistakes.add('is an empty array: add a rule set, or leave out the key')
    const sets = Array.from(value, (set, index) => parseRuleSet(lists, set, mistakes.item(index)))
    if (new Set(sets.map((set) => JSON.stringify(set))).size < sets.length && !mistakes.hasAny())
      return mistakes.add('contains the same rule set twice')
    return sets
  }
  const set: FieldSchema = { type: 'object', fields: lists }
  return custom(parse, { type: 'array', of: set })
    .rejectUndefined()
    .describe('Rule sets, each of which must be met.')
}

function parseRuleSet(lists: Partial<RuleFields>, value: unknown, mistakes: Mistakes): RuleSet {
  const set = readFields(lists as Fields, value, mistakes) as RuleSet
  if (!mistakes.hasAny() && !hasLists(set))
    mistakes.add(`contains no rule: it takes ${Object.keys(lists).join(', ')}`)
  return set
}

/** The rule lists and `allOf` among parsed options. */
export function rulesOf(values: Rules): Rules {
  const lists = Object.fromEntries(ruleLists.map((list) => [list, values[list]]))
  return { ...lists, ...(values.allOf && { allOf: values.allOf }) }
}

/** Whether at least one rule is configured. */
export function hasRules(rules: Rules): boolean {
  return hasLists(rules) || rules.allOf !== undefined
}

/** Whether one of the rule sets has this list. */
export function namesList(rules: Rules, list: RuleList): boolean {
  return ruleSets(rules).some(({ set }) => set[list] !== undefined)
}

/** Every rule set, and where it is in the options: the lists next to `allOf` come first. */
export function ruleSets(
  rules: Rules,
): readonly { readonly set: RuleSet; readonly index?: number }[] {
  const { allOf = [], ...set } = rules
  return [...(hasLists(set) ? [{ set }] : []), ...allOf.map((one, index) => ({ set: one, index }))]
}

function hasLists(set: RuleSet): boolean {
  return ruleLists.some((list) => set[list] !== undefined)
}

function checkEmail(item: string): string | undefined {
  if (item.includes('*'))
    return 'has an entry that is not an email address: there are no wildcards, list domains in emailDomains'
  return parseEmail(item) ? undefined : 'has an entry that is not an email address'
}

function checkDomain(item: string): string | undefined {
  const problem = wildcardProblem(item)
  if (problem !== undefined) return problem
  return isDomain(item)
    ? undefined
    : "has an entry that is not a domain: write it as in 'example.com', in punycode if it is not ASCII"
}

/** Why a domain with a wildcard, or with a leading dot or at sign, is not accepted. */
function wildcardProblem(domain: string): string | undefined {
  if (/^@[^*]*$/.test(domain))
    return "has an entry that is not a domain: leave out the @, as in 'example.com'"
  return /\*|^\./.test(domain)
    ? 'has an entry that is not a domain: there are no wildcards, and a domain does not match its subdomains. List every domain in full'
    : undefined
}
