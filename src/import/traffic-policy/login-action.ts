import { durationOption } from '../durations.js'
import type { ImportDraft } from '../draft.js'
import { checkNgrokProvider, isNgrokProvider, providerTable } from '../ngrok-providers.js'
import {
  convert,
  different,
  flag,
  type HandlerTable,
  ignored,
  text,
  textRecord,
  texts,
} from '../read.js'

/** Actions that log users in. The migration guide of ngrok names the second one in two ways. */
export const LOGIN_ACTIONS: readonly string[] = ['oauth', 'openid-connect', 'oidc']

/** The name of a generic provider. */
const OIDC = 'oidc'

/**
 * Converts the configuration of an action that logs users in; returns the name of the provider,
 * if there is one.
 */
export function convertLogin(
  type: string,
  config: Readonly<Record<string, unknown>>,
  path: string,
  draft: ImportDraft,
): string | undefined {
  if (type !== 'oauth') {
    draft.provider(OIDC, { type: 'oidc' })
    if (config['issuer_url'] === undefined) draft.mistake(`${path}issuer_url`, 'is missing')
    convert(config, { ...sessionTable(OIDC), ...oidcTable }, draft, path)
    return OIDC
  }
  const { provider } = config
  if (typeof provider !== 'string') return draft.mistake(`${path}provider`, 'must be a string')
  const name = provider.toLowerCase()
  if (!isNgrokProvider(name)) {
    draft.cannot(`${path}provider`, 'is not a provider of ngrok.')
    return undefined
  }
  convert(config, { ...sessionTable(name), ...providerTable(name), provider: ignored }, draft, path)
  checkNgrokProvider(draft, name, path.replace(/\.$/, ''))
  return name
}

const oidcTable: HandlerTable = {
  ...providerTable(OIDC),
  issuer_url: text((issuer, { draft }) => draft.provider(OIDC, { issuer })),
  // The list of ngrok replaces the default one.
  scopes: texts((scopes, { draft }) =>
    draft.provider(OIDC, { defaultScopes: [...new Set(['openid', ...scopes])] }),
  ),
}

function sessionTable(provider: string): HandlerTable {
  return {
    auth_id: different(
      'is not needed: the paths are /auth/authn instead of /ngrok/login, and /auth/logout instead of /ngrok/logout.',
    ),
    authz_url_params: textRecord((authorizationParams, { draft }) =>
      draft.provider(provider, { authorizationParams }),
    ),
    max_session_duration: durationOption('maximumDuration'),
    idle_session_timeout: durationOption('inactivityTimeout'),
    idle_session_duration: durationOption('inactivityTimeout'),
    userinfo_refresh_interval: durationOption('authCheckInterval'),
    allow_cors_preflight: flag((allow, { draft }) => {
      if (allow) draft.option('optionsPassthrough', true)
    }),
    auth_cookie_domain: text((domain, { draft }) => draft.member('cookie', 'domain', domain)),
  }
}
