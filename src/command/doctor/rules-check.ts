import type { Provider } from '../../access/provider.js'
import { emailLists, namesList, type RuleSet, ruleLists, ruleSets } from '../../access/rules.js'
import { error, type Problem, warning } from './finding.js'

/** Rules of a provider that no user can meet, or that lack the scope that they need. */
export function checkRules(provider: Provider): Problem[] {
  return [contradiction(provider), missingEmailScope(provider)].filter((one) => one !== undefined)
}

/** A user has one email address, which all sets that consist of email rules must accept. */
function contradiction({ rules }: Provider): Problem | undefined {
  const sets = ruleSets(rules).flatMap(({ set }) => (hasOnlyEmails(set) ? [set] : []))
  const candidates = sets.flatMap(({ emailAddresses = [], emailDomains = [] }) => [
    ...emailAddresses,
    ...emailDomains.map((domain) => `user@${domain}`),
  ])
  const isPossible = candidates.some((email) => sets.every((set) => accepts(set, email)))
  return sets.length < 2 || isPossible
    ? undefined
    : error(
        'rules_contradict',
        'no user can meet these rules: allOf requires every one of its sets, and no email address is in all of them',
        'list the addresses and domains in one set, in which they are alternatives',
      )
}

function hasOnlyEmails(set: RuleSet): boolean {
  const lists = ruleLists.filter((list) => set[list] !== undefined)
  return lists.length > 0 && lists.every((list) => emailLists.includes(list))
}

function accepts({ emailAddresses = [], emailDomains = [] }: RuleSet, email: string): boolean {
  return emailAddresses.includes(email) || emailDomains.includes(email.split('@')[1] ?? '')
}

/** `defaultScopes` replaces the scopes of a provider, among them `email`. (OpenID Connect Core, 5.4) */
function missingEmailScope(provider: Provider): Problem | undefined {
  const { rules, openid, scopes, requestedScopes, name } = provider
  const list = emailLists.find((one) => namesList(rules, one))
  if (list === undefined || !openid || !scopes.includes('email')) return undefined
  return requestedScopes.includes('email')
    ? undefined
    : warning(
        'email_scope_missing',
        `the rule ${list} of ${name} needs the email address, and the scope email is not requested, because defaultScopes leaves it out`,
        'add email to scopes',
      )
}
