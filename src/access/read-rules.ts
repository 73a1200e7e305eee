import { isDomain, parseEmail } from './email.js'
import { membershipLists } from '../oauth/identity.js'
import type { OptionReader } from '../schema.js'
import type { Rules } from './rules.js'
import { type Provider, trustsEmail } from './provider.js'

function checkEmail(item: string): string | undefined {
  if (item.startsWith('*'))
    return 'has an entry that is no e-mail address: there are no wildcards, name domains in emailDomains'
  return parseEmail(item) ? undefined : 'has an entry that is no e-mail address'
}

/** The lists of a provider, of a guard, or of rules on trial. */
export function readRules(options: OptionReader): Rules {
  const lower = (item: string) => item.toLowerCase()
  return {
    emailAddresses: options.list('emailAddresses', checkEmail, lower),
    emailDomains: options.list(
      'emailDomains',
      (item) =>
        isDomain(item)
          ? undefined
          : "has an entry that is no domain: write it as in 'example.com', in punycode if need be",
      lower,
    ),
    organizations: options.list(
      'organizations',
      (item) =>
        /^[A-Za-z0-9_.-]+$/.test(item)
          ? undefined
          : "has an entry that is no slug: write it as in 'acme'",
      lower,
    ),
    teams: options.list(
      'teams',
      (item) =>
        /^(?:[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+|\d+)$/.test(item)
          ? undefined
          : "has an entry that is no team: write it as in 'acme/team-slug', or its numeric id",
      lower,
    ),
    groups: options.list('groups', () => undefined),
  }
}

/** Rules of a guard or on trial that no user of any of the providers can meet. */
export function refuseWhatCannotBeMet(
  read: OptionReader,
  lists: Rules,
  providers: readonly Provider[],
): void {
  const emailList = lists.emailAddresses
    ? 'emailAddresses'
    : lists.emailDomains
      ? 'emailDomains'
      : undefined
  const [unverified, ...more] = providers.filter(
    (provider) => provider.emailNeverVerified !== undefined && !trustsEmail(provider),
  )
  if (emailList && unverified && more.length === providers.length - 1) {
    read.fail(
      emailList,
      `cannot be met: ${unverified.emailNeverVerified}. Set trustEmail: true for ${unverified.name} only if you accept unverified addresses`,
    )
  }
  for (const list of membershipLists) {
    if (
      lists[list] === undefined ||
      providers.some(({ membershipLists: knows }) => knows?.includes(list))
    )
      continue
    read.fail(
      list,
      `cannot be met: ${providers.map(({ label }) => label).join(', ')} knows no ${list}`,
    )
  }
}
