/** An email address in lower case. */
export interface EmailAddress {
  readonly whole: string
  readonly domain: string
}

const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
const ADDRESS = new RegExp(`^(${ATOM}(?:\\.${ATOM})*)@([A-Za-z0-9.-]+)$`)

/**
 * Parses an address of a dot-atom, one `@` and a domain, all ASCII (RFC 5322, 3.4.1). Other forms
 * match no rule. The format is checked before case folding, because the Kelvin sign folds to `k`.
 */
export function parseEmail(email: string | undefined): EmailAddress | undefined {
  if (email === undefined || email.length > 254) return undefined
  const domain = ADDRESS.exec(email)?.[2]?.toLowerCase()
  return domain !== undefined && isDomain(domain)
    ? { whole: email.toLowerCase(), domain }
    : undefined
}

/**
 * Whether this is a domain of at least two labels, each of letters, digits and inner dashes. (RFC
 * 1035, 2.3.1)
 */
export function isDomain(domain: string): boolean {
  return (
    domain.length <= 253 &&
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(
      domain,
    )
  )
}
