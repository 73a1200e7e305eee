import type { BuiltinName } from '../providers/index.js'
import type { ImportDraft } from './draft.js'
import { type HandlerTable, text, texts } from './read.js'

/** The providers of ngrok, which have the same names here. */
const providers: Readonly<Record<BuiltinName, true>> = {
  amazon: true,
  facebook: true,
  github: true,
  gitlab: true,
  google: true,
  linkedin: true,
  microsoft: true,
  twitch: true,
}

/** Whether this is the name of a provider of ngrok. */
export function isNgrokProvider(name: string): boolean {
  return Object.hasOwn(providers, name)
}

/** Scopes that LinkedIn no longer grants to new apps. */
const DEAD_SCOPES = ['r_emailaddress', 'r_liteprofile']

/** Providers whose email addresses are not known to be verified, and what to do about it. */
const UNVERIFIED: Readonly<Record<string, string>> = {
  microsoft: 'set tenant to the ID of your tenant, or trustEmail: true',
  facebook: 'set trustEmail: true',
  amazon: 'set trustEmail: true',
}

/** The fields of a provider in the JSON of an edge, and in the action `oauth`. */
export function providerTable(provider: string): HandlerTable {
  const list = (option: string) =>
    texts((values, { draft }) => draft.provider(provider, { [option]: values }))
  return {
    client_id: text((clientId, { draft }) => draft.provider(provider, { clientId })),
    client_secret: text((clientSecret, { name, draft }) => {
      if (/\$\{/.test(clientSecret))
        draft.cannot(
          name,
          'is an expression that ngrok evaluates: set clientSecret to the secret itself.',
        )
      else draft.provider(provider, { clientSecret })
    }),
    scopes: texts((scopes, { name, draft }) => {
      const granted = scopes.filter(
        (scope) => provider !== 'linkedin' || !DEAD_SCOPES.includes(scope),
      )
      if (granted.length < scopes.length)
        draft.differs(
          name,
          `leaves out ${DEAD_SCOPES.join(' and ')}, which LinkedIn no longer grants: openid, profile and email are requested instead.`,
        )
      if (granted.length > 0) draft.provider(provider, { scopes: granted })
    }),
    email_addresses: list('emailAddresses'),
    email_domains: list('emailDomains'),
    ...(provider === 'github' && {
      organizations: list('organizations'),
      teams: list('teams'),
    }),
  }
}

/** Reports what the options of an ngrok provider, taken together, need. */
export function checkNgrokProvider(draft: ImportDraft, provider: string, path: string): void {
  const options = draft.providerOptions(provider)
  draft.provider(provider, {})
  const variable = `OAUTH_MODULE_${provider.toUpperCase()}_CLIENT_ID`
  if (options['clientId'] === undefined && options['clientSecret'] === undefined)
    draft.differs(
      path,
      `uses ngrok's managed application, which works only at ngrok: register an app of your own at the provider, and set clientId and clientSecret, or ${variable} and …_SECRET in the environment.`,
    )
  if (options['clientId'] === undefined && options['scopes'] !== undefined)
    draft.cannot(`${path}.scopes`, 'needs clientId and clientSecret: add both.')
  checkEmails(draft, provider, path)
}

/** Reports email rules whose addresses the provider does not verify. */
export function checkEmails(draft: ImportDraft, provider: string, path: string): void {
  const fix = UNVERIFIED[provider]
  if (fix === undefined || !hasEmailRule(draft.providerOptions(provider))) return
  draft.cannot(
    path,
    `has a rule on email addresses, but ${provider} does not state that an address is verified: ${fix}, if you accept that users may choose their address.`,
  )
}

function hasEmailRule(options: Readonly<Record<string, unknown>>): boolean {
  return /"email(?:Addresses|Domains)":/.test(
    JSON.stringify({ ...options, clientId: '', clientSecret: '' }),
  )
}
