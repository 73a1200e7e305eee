import { durationOption } from './durations.js'
import { ImportDraft } from './draft.js'
import { unwrapped } from './ngrok-endpoint.js'
import { checkNgrokProvider, isNgrokProvider, providerTable } from './ngrok-providers.js'
import {
  convert,
  flag,
  type HandlerTable,
  ignored,
  nested,
  sourceObject,
  text,
  texts,
} from './read.js'
import type { ImportResult } from './result.js'

const PRODUCT = 'ngrok OAuth module'

/**
 * Converts the OAuth module of an ngrok edge: the JSON of its API, or an object with the member
 * `module`. Also takes the `oauth` section of an agent's configuration, in which `provider` is a
 * name.
 *
 * ```ts
 * import { fromNgrokModule } from 'oauth-module/import'
 *
 * const { options, differences, unsupported } = fromNgrokModule({
 *   provider: { google: { client_id: 'id', client_secret: 'secret', email_domains: ['acme.com'] } },
 *   inactivity_timeout: 3600,
 * })
 * ```
 *
 * @param module - The module.
 * @returns Our options, and what differs.
 * @throws {TypeError} If a value has the wrong type. Lists all of them.
 */
export function fromNgrokModule(module: unknown): ImportResult {
  const draft = new ImportDraft(PRODUCT)
  const whole = sourceObject(module, PRODUCT)
  const wrappers = whole['provider'] === undefined ? ['module', 'oauth'] : []
  const source = sourceObject(unwrapped(whole, wrappers, draft), PRODUCT)
  if (typeof source['provider'] === 'string') convertAgent(source, source['provider'], draft)
  else convert(source, table, draft)
  if (source['provider'] === undefined || source['provider'] === null)
    draft.mistake('provider', 'is missing')
  reportAddresses(draft)
  return draft.result()
}

/** What is at another address than at ngrok. */
export function reportAddresses(draft: ImportDraft): void {
  draft.differs(
    'redirect URI',
    "is not ngrok's any more: register <your app>/auth/callback at the provider.",
  )
}

const session: HandlerTable = {
  enabled: flag((enabled, { name, draft }) => {
    if (enabled) return
    draft.option('enabled', false)
    draft.differs(name, 'is false, so requests pass without a login, as at ngrok.')
  }),
  options_passthrough: flag((passthrough, { draft }) => {
    if (passthrough) draft.option('optionsPassthrough', true)
  }),
  cookie_prefix: text((prefix, { draft }) => draft.option('cookiePrefix', prefix)),
  inactivity_timeout: durationOption('inactivityTimeout'),
  maximum_duration: durationOption('maximumDuration'),
  auth_check_interval: durationOption('authCheckInterval'),
}

const table: HandlerTable = {
  ...session,
  provider: nested((providers, { name: path, draft }) => {
    for (const [provider, options] of Object.entries(providers)) {
      const name = `${path}.${provider}`
      if (options === null || options === undefined) continue
      if (!isNgrokProvider(provider)) draft.cannot(name, 'is not a provider of ngrok.')
      else convertProvider({ provider, options, name, draft })
    }
  }),
  // Members of a request of the API.
  edge_id: ignored,
  id: ignored,
}

interface ProviderEntry {
  readonly provider: string
  readonly options: unknown
  readonly name: string
  readonly draft: ImportDraft
}

function convertProvider({ provider, options, name, draft }: ProviderEntry): void {
  nested((members) => {
    convert(members, providerTable(provider), draft, `${name}.`)
    checkNgrokProvider(draft, provider, name)
  })({ name, value: options, draft })
}

/** `allow_emails` and the like are the names of the agent's configuration. */
function convertAgent(
  { provider: _, ...source }: Readonly<Record<string, unknown>>,
  name: string,
  draft: ImportDraft,
): void {
  const provider = name.toLowerCase()
  if (!isNgrokProvider(provider)) return draft.cannot('provider', 'is not a provider of ngrok.')
  const ours = providerTable(provider)
  const list = (option: string) =>
    texts((values, entry) => entry.draft.provider(provider, { [option]: values }))
  const more = {
    allow_emails: list('emailAddresses'),
    allow_domains: list('emailDomains'),
    ...(ours['scopes'] && { oauth_scopes: ours['scopes'] }),
    ...(ours['organizations'] && { allow_organizations: ours['organizations'] }),
    ...(ours['teams'] && { allow_teams: ours['teams'] }),
  }
  convert(source, { ...session, ...ours, ...more }, draft)
  checkNgrokProvider(draft, provider, 'provider')
}
