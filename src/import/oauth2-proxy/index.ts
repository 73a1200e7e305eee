import { ImportDraft } from '../draft.js'
import { checkEmails } from '../ngrok-providers.js'
import { sourceObject } from '../read.js'
import type { ImportResult } from '../result.js'
import { RuleSets } from '../rule-sets.js'
import { withoutAlpha } from './alpha.js'
import type { Conversion, OAuth2ProxyFiles } from './conversion.js'
import { convertEndpoints } from './endpoints.js'
import { convertHeaders } from './headers.js'
import { reportNotes } from './notes.js'
import { convertProvider, providerOf } from './provider.js'
import { convertProxy } from './proxy.js'
import { convertRoutes } from './routes.js'
import { convertRules } from './rules.js'
import { convertSession } from './session.js'
import { Settings } from './settings.js'
import { convertUpstreams } from './upstreams.js'

export type { OAuth2ProxyFiles } from './conversion.js'

const PRODUCT = 'oauth2-proxy'

/**
 * Converts a configuration of oauth2-proxy: an object with the names of its configuration file, its
 * flags (`github-org`) or its environment variables, and with the members of its alpha
 * configuration.
 *
 * ```ts
 * import { fromOAuth2Proxy } from 'oauth-module/import'
 *
 * const { options, command } = fromOAuth2Proxy({
 *   provider: 'github',
 *   client_id: 'id',
 *   client_secret: 'secret',
 *   email_domains: ['*'],
 *   github_org: 'acme',
 *   upstreams: ['http://127.0.0.1:8080/'],
 * })
 * ```
 *
 * @param config - The configuration.
 * @param files - Contents of the files that it names, which this function does not read.
 * @returns Our options, and what differs.
 * @throws {TypeError} If a value has the wrong type. Lists all of them.
 */
export function fromOAuth2Proxy(config: unknown, files: OAuth2ProxyFiles = {}): ImportResult {
  const draft = new ImportDraft(PRODUCT)
  const settings = new Settings(withoutAlpha(sourceObject(config, PRODUCT), draft), draft)
  const { provider, type } = providerOf(settings.text('provider'))
  const conversion: Conversion = {
    settings,
    draft,
    rules: new RuleSets(draft),
    files,
    provider,
    type,
  }
  draft.provider(provider, {})
  convertProvider(conversion)
  convertEndpoints(conversion)
  convertRules(conversion)
  conversion.rules.apply(provider)
  checkTrustedEmails(conversion)
  convertSession(conversion)
  convertHeaders(conversion)
  convertProxy(conversion)
  convertRoutes(conversion)
  convertUpstreams(conversion)
  reportNotes(conversion)
  return draft.result()
}

/** A single tenant, and addresses that are trusted anyway, need no report. */
function checkTrustedEmails({ draft, provider }: Conversion): void {
  const { trustEmail, tenant } = draft.providerOptions(provider)
  const isShared = ['organizations', 'consumers', undefined].includes(tenant as string | undefined)
  if (trustEmail !== true && isShared) checkEmails(draft, provider, 'email_domains')
}
