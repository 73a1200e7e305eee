import { domainToUnicode } from 'node:url'
import { ruleFields, type RuleList } from '../../access/rules.js'
import { type BuiltinName, builtinProviders } from '../../providers/index.js'
import { scopesField } from '../../providers/request-params.js'
import { Mistakes } from '../../schema/field.js'
import type { AdminErrorCode } from '../error-codes.js'
import { MAX_ENTRIES, MAX_LENGTHS } from '../limits.js'
import {
  flag,
  ignored,
  isPrintable,
  object,
  text,
  wholeSeconds,
  type WireField,
  type WireValues,
} from '../wire.js'
import { texts } from '../wire-lists.js'

/** Whether an entry is valid for a list of the options. */
function isEntry(list: RuleList, item: string): boolean {
  return ruleFields[list].parse([item], new Mistakes('')) !== undefined
}

/** Whether every label of a domain that is in punycode can be decoded. (RFC 3492) */
function hasValidPunycode(domain: string): boolean {
  const labels = domain.split('.').filter((label) => /^xn--/i.test(label))
  // Node 24 and later return a label that cannot be decoded, Node 20 and 22 an empty string.
  return labels.every((label) => !/^$|^xn--/i.test(domainToUnicode(label)))
}

/** A check of the entries of a list, by the rules of the options. */
const entryOf =
  (list: RuleList, invalid: AdminErrorCode, punycode?: AdminErrorCode) =>
  (item: string): AdminErrorCode | undefined => {
    if (!isEntry(list, item)) return invalid
    const domain = item.slice(item.lastIndexOf('@') + 1)
    return punycode === undefined || hasValidPunycode(domain) ? undefined : punycode
  }

const lowerCase = (item: string) => item.toLowerCase()
const printableText = (value: string) => (isPrintable(value) ? undefined : 'ERR_NGROK_215')

/** The fields of every provider. (https://ngrok.com/docs/api-reference/edgerouteoauthmodule) */
const providerFields = {
  client_id: text('Client ID of your own application. Without it: the managed application.', {
    maxLength: MAX_LENGTHS.clientId,
    tooLong: 'ERR_NGROK_7137',
    check: printableText,
  }),
  client_secret: text('Never returned. May be left out if client_id does not change.', {
    maxLength: MAX_LENGTHS.clientSecret,
    tooLong: 'ERR_NGROK_7138',
    // Only a private key in PEM contains line breaks.
    check: (value) => printableText(value.startsWith('-----BEGIN ') ? '' : value),
  }),
  scopes: texts('Additional scopes. They need an application of your own.', {
    maxItems: MAX_ENTRIES.scopes,
    tooMany: 'ERR_NGROK_7056',
    maxLength: MAX_LENGTHS.scope,
    tooLong: 'ERR_NGROK_7141',
    empty: 'ERR_NGROK_215',
    duplicate: 'ERR_NGROK_215',
    check: (item) =>
      scopesField.parse([item], new Mistakes('')) === undefined ? 'ERR_NGROK_215' : undefined,
  }),
  email_addresses: texts('Email addresses of users who may pass.', {
    maxItems: MAX_ENTRIES.rules,
    tooMany: 'ERR_NGROK_7060',
    maxLength: MAX_LENGTHS.emailAddress,
    tooLong: 'ERR_NGROK_7139',
    empty: 'ERR_NGROK_7051',
    duplicate: 'ERR_NGROK_7046',
    normalize: lowerCase,
    check: entryOf('emailAddresses', 'ERR_NGROK_7043', 'ERR_NGROK_7045'),
  }),
  email_domains: texts('Email domains of users who may pass, without their subdomains.', {
    maxItems: MAX_ENTRIES.rules,
    tooMany: 'ERR_NGROK_7061',
    maxLength: MAX_LENGTHS.emailDomain,
    tooLong: 'ERR_NGROK_7140',
    empty: 'ERR_NGROK_7052',
    duplicate: 'ERR_NGROK_7047',
    normalize: lowerCase,
    check: entryOf('emailDomains', 'ERR_NGROK_7039', 'ERR_NGROK_7044'),
  }),
}

/** The fields of GitHub, in addition. */
const githubFields = {
  teams: texts('Teams whose members may pass, as in acme/team-slug, or their numeric IDs.', {
    maxItems: MAX_ENTRIES.memberships,
    tooMany: 'ERR_NGROK_7057',
    maxLength: MAX_LENGTHS.team,
    tooLong: 'ERR_NGROK_7144',
    empty: 'ERR_NGROK_7053',
    duplicate: 'ERR_NGROK_7048',
    normalize: lowerCase,
    check: entryOf('teams', 'ERR_NGROK_7040'),
  }),
  organizations: texts('Slugs of organizations whose members may pass.', {
    maxItems: MAX_ENTRIES.memberships,
    tooMany: 'ERR_NGROK_7058',
    maxLength: MAX_LENGTHS.organization,
    tooLong: 'ERR_NGROK_7145',
    empty: 'ERR_NGROK_7054',
    duplicate: 'ERR_NGROK_7049',
    normalize: lowerCase,
    check: entryOf('organizations', 'ERR_NGROK_215'),
  }),
}

/** The lists of a provider in the JSON of a module, and the options that they are. */
export const listOptions = {
  scopes: 'scopes',
  email_addresses: 'emailAddresses',
  email_domains: 'emailDomains',
  teams: 'teams',
  organizations: 'organizations',
} as const satisfies Record<Exclude<keyof ProviderJson, 'client_id' | 'client_secret'>, string>

/** A provider of a module. */
export type ProviderJson = WireValues<typeof providerFields> &
  Partial<WireValues<typeof githubFields>>

/** The names of the providers of a module, in the order of ngrok's responses. */
export const providerNames = (Object.keys(builtinProviders) as BuiltinName[]).sort()

const providers = Object.fromEntries(
  providerNames.map((name) => [
    name,
    object(
      `Configuration of ${name}.`,
      name === 'github' ? { ...providerFields, ...githubFields } : providerFields,
    ),
  ]),
) as Record<BuiltinName, WireField<ProviderJson | undefined>>

/** The fields of a module. */
const moduleFields = {
  enabled: flag(true, 'false lets everyone pass. Needs the option allowDisable.'),
  provider: object('The providers, by name.', providers, () => 'ERR_NGROK_7165'),
  options_passthrough: flag(false, 'Do not enforce authentication on OPTIONS requests.'),
  cookie_prefix: text('Prefix of the cookies. It cannot change.', { maxLength: 4096 }),
  inactivity_timeout: wholeSeconds('Seconds without a request after which a session ends.', {
    tooLong: 'ERR_NGROK_7092',
  }),
  maximum_duration: wholeSeconds('Seconds after which a session ends.', {
    tooLong: 'ERR_NGROK_7161',
  }),
  auth_check_interval: wholeSeconds('Seconds after which a user is checked again.', {
    tooLong: 'ERR_NGROK_7158',
    negative: 'ERR_NGROK_7035',
  }),
  // Of responses, which scripts send back after they have changed something in them.
  x_other_providers: ignored('Names of the providers that only the code of the app can change.'),
  x_warnings: ignored('What the administrator should know about this change.'),
}

/** A module, as its JSON contains it. */
export type ModuleJson = WireValues<typeof moduleFields>

/** The JSON of a module. */
export const moduleField = object('A module.', moduleFields)

/** The body of a request: a module, next to the IDs that are in the path as well. */
export const moduleRequestField = object('A request.', {
  edge_id: text('As in the path.', { maxLength: 256 }),
  id: text('As in the path.', { maxLength: 256 }),
  module: moduleField,
})
