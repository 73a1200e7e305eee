/** An email address in lower case. */
export interface EmailAddress {
  readonly whole: string
  readonly domain: string
}

const ATOM = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+$/
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/

/**
 * Parses an address of a dot-atom, one `@` and a domain, all ASCII (RFC 5322, 3.4.1). Other forms
 * match no rule. The format is checked before case folding, because the Kelvin sign folds to `k`.
 */
export function parseEmail(email: string | undefined): EmailAddress | undefined {
  if (email === undefined || email.length > 254) return undefined
  const [local = '', domain = '', ...rest] = email.split('@')
  const isAddress = local.split('.').every((atom) => ATOM.test(atom)) && isDomain(domain)
  return isAddress && rest.length === 0
    ? { whole: email.toLowerCase(), domain: domain.toLowerCase() }
    : undefined
}

/**
 * Whether this is a domain of at least two labels, each of letters, digits and inner dashes. (RFC
 * 1035, 2.3.1)
 */
export function isDomain(domain: string): boolean {
  return isHostName(domain) && domain.includes('.')
}

/** Like {@link isDomain}, but one label is enough. */
export function isHostName(name: string): boolean {
  if (name.length > 253) return false
  return name.split('.').every((label) => label.length <= 63 && LABEL.test(label))
}
