/** Options of another object. */
export interface OtherOptions {
  readonly names: readonly string[]
  /** What the options belong to, as in `a provider`. */
  readonly of: string
}

/**
 * Names that other packages use, in lower case without underscores, and what they are here. The
 * first name that the object has is meant.
 */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  org: ['organizations'],
  orgs: ['organizations'],
  organisation: ['organizations'],
  githuborg: ['organizations'],
  githubteam: ['teams'],
  roles: ['groups'],
  emails: ['emailAddresses'],
  email: ['emailAddresses'],
  allowedemails: ['emailAddresses'],
  domain: ['emailDomains', 'hostedDomain'],
  domains: ['emailDomains', 'hostedDomain'],
  alloweddomains: ['emailDomains'],
  hd: ['hostedDomain'],
  tenantid: ['tenant'],
  appid: ['clientId'],
  consumerkey: ['clientId'],
  appsecret: ['clientSecret'],
  consumersecret: ['clientSecret'],
  callbackurl: ['callbackPath'],
  callbackuri: ['callbackPath'],
  redirecturi: ['callbackPath'],
  redirecturl: ['callbackPath'],
  redirecturis: ['callbackPath'],
  authparams: ['authorizationParams'],
  authparamsmap: ['authorizationParamsMap'],
  customheaders: ['tokenHeaders'],
  issuerbaseurl: ['issuer'],
  authrequired: ['unauthenticated'],
  erroronrequiredauth: ['unauthenticated'],
  idplogout: ['logout'],
  idtokensigningalg: ['signingAlgorithms'],
  clientauthmethod: ['clientAuth'],
  aftercallback: ['onLogin'],
  userprofileurl: ['userinfoUrl'],
  scripts: ['fetchUserProfile'],
  pkceenabled: ['pkce'],
  cookiesecret: ['secret'],
  sessionsecret: ['secret'],
  cookiename: ['cookiePrefix'],
  maxage: ['maximumDuration', 'maxAge'],
  sessionduration: ['maximumDuration'],
  idletimeout: ['inactivityTimeout'],
  rollingduration: ['inactivityTimeout'],
  refreshinterval: ['authCheckInterval'],
  theme: ['branding'],
  brand: ['branding'],
  title: ['appName'],
  applicationname: ['appName'],
  logo: ['logoUrl'],
  logouri: ['logoUrl'],
  color: ['accentColor'],
  primarycolor: ['accentColor'],
  support: ['supportUrl'],
  supportemail: ['supportUrl'],
  translations: ['texts'],
  locales: ['texts'],
  i18n: ['texts'],
}

/** Longer than any option, and short enough to compare. */
const MAX_NAME = 64

/** The mistake of an unknown option: names the option that was probably meant. */
export function unknownOption(
  key: string,
  known: readonly string[],
  elsewhere?: OtherOptions,
): string {
  const unknown = `has an unknown option ${printable(key)}`
  const name = suggestion(key, known)
  if (name !== undefined) return `${unknown}: write ${name}`
  const other = elsewhere && suggestion(key, elsewhere.names)
  const hint = other === undefined ? '' : `. ${other} is an option of ${elsewhere?.of}`
  return `${unknown}; known are ${known.join(', ')}${hint}`
}

/** The known name that differs only in case or in a few letters. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.slice(0, MAX_NAME).toLowerCase()
  const distances = known.map((candidate) => ({
    candidate,
    distance: editDistance(lower, candidate.toLowerCase()),
  }))
  const [best] = distances.sort((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= Math.min(2, best.candidate.length / 4)
    ? best.candidate
    : undefined
}

/** Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [i, letter] of Array.from(from).entries()) {
    const next = [i + 1]
    for (const [j, other] of Array.from(to).entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}

/** The known option that was probably meant. Names in snake_case differ by their underscores. */
function suggestion(key: string, known: readonly string[]): string | undefined {
  const name = key.slice(0, MAX_NAME).replaceAll(/[_-]/g, '').toLowerCase()
  const meant = Object.hasOwn(synonyms, name) ? synonyms[name] : undefined
  return nearest(name, known) ?? meant?.find((candidate) => known.includes(candidate))
}

/** Quotes the name of an option for a message: a name is not secret, but may contain anything. */
export function printable(key: string): string {
  return `'${key.slice(0, 64).replace(/[^\x20-\x7e]/g, '?')}'`
}
