import { addToProvider, cannot, type Conversion, differs } from './conversion.js'

interface ProviderName {
  readonly provider: string
  readonly type?: 'oidc' | 'oauth2'
  /** Why the user cannot be read without code. */
  readonly problem?: string
}

const PROFILE = 'has a profile of its own: pass fetchUserProfile to oauth2Provider() in an app'

/** The providers of oauth2-proxy, and what they are here. */
const providers: Readonly<Record<string, ProviderName>> = {
  google: { provider: 'google' },
  github: { provider: 'github' },
  gitlab: { provider: 'gitlab' },
  facebook: { provider: 'facebook' },
  linkedin: { provider: 'linkedin' },
  azure: { provider: 'microsoft' },
  'entra-id': { provider: 'microsoft' },
  oidc: { provider: 'oidc', type: 'oidc' },
  'keycloak-oidc': { provider: 'keycloak', type: 'oidc' },
  adfs: { provider: 'adfs', type: 'oidc' },
  cidaas: { provider: 'cidaas', type: 'oidc' },
  'login.gov': { provider: 'login-gov', type: 'oidc' },
  keycloak: {
    provider: 'keycloak',
    type: 'oauth2',
    problem:
      "is the old provider of Keycloak: use keycloak-oidc there first, or set type to 'oidc' and issuer to the URL of the realm",
  },
  bitbucket: { provider: 'bitbucket', type: 'oauth2', problem: PROFILE },
  digitalocean: { provider: 'digitalocean', type: 'oauth2', problem: PROFILE },
  nextcloud: { provider: 'nextcloud', type: 'oauth2', problem: PROFILE },
  sourcehut: { provider: 'sourcehut', type: 'oauth2', problem: PROFILE },
}

/** The provider of a configuration; oauth2-proxy's default is Google. */
export function providerOf(name = 'google'): ProviderName {
  const known = Object.hasOwn(providers, name) ? providers[name] : undefined
  return (
    known ?? { provider: 'custom', type: 'oauth2', problem: 'is not a provider of oauth2-proxy' }
  )
}

/** Client, scopes and requests of the provider. */
export function convertProvider(conversion: Conversion): void {
  const { settings, type } = conversion
  if (type !== undefined) addToProvider(conversion, { type })
  const { problem } = providerOf(settings.text('provider'))
  if (problem !== undefined) cannot(conversion, 'provider', `${problem}.`)
  const displayName = settings.text('provider_display_name')
  if (displayName !== undefined) addToProvider(conversion, { displayName })
  convertClient(conversion)
  convertScopes(conversion)
  convertParams(conversion)
}

function convertClient(conversion: Conversion): void {
  const { settings, files } = conversion
  const clientId = settings.text('client_id')
  if (clientId !== undefined) addToProvider(conversion, { clientId })
  const key = settings.text('jwt_key')
  const secret =
    settings.text('client_secret') ?? (files.client_secret_file?.trim() || undefined) ?? key
  if (secret !== undefined) addToProvider(conversion, { clientSecret: secret })
  else if (clientId !== undefined) reportSecret(conversion)
  if (key !== undefined) {
    addToProvider(conversion, { clientAuth: 'private_key_jwt' })
    differs(conversion, 'jwt_key', 'must be a PKCS #8 key, which starts with BEGIN PRIVATE KEY.')
  }
  if (settings.flag('entra_id_federated_token_auth'))
    cannot(
      conversion,
      'entra_id_federated_token_auth',
      'has no counterpart: use a client secret, or a key with private_key_jwt.',
    )
}

function reportSecret(conversion: Conversion): void {
  const file = ['client_secret_file', 'jwt_key_file'].find((name) => conversion.settings.has(name))
  cannot(
    conversion,
    file ?? 'client_secret',
    file === undefined
      ? "is missing: set clientSecret, or clientAuth: 'none' for a public client."
      : 'is a file that could not be read here: set clientSecret to what it contains.',
  )
}

function convertScopes(conversion: Conversion): void {
  const { settings, type } = conversion
  const scope = settings.text('scope')
  if (scope === undefined) {
    if (type === 'oidc' && settings.has('allowed_groups'))
      addToProvider(conversion, { optionalScopes: ['groups'] })
    return
  }
  const scopes = [...new Set(scope.split(/\s+/))]
  const others = scopes.filter((one) => one !== 'offline_access')
  if (others.length < scopes.length) addToProvider(conversion, { offlineAccess: true })
  const isOpenId = type !== 'oauth2' && !['github', 'facebook'].includes(conversion.provider)
  const wanted = isOpenId && !others.includes('openid') ? ['openid', ...others] : others
  if (wanted.length > others.length)
    differs(conversion, 'scope', 'is extended by openid, which OpenID Connect requires.')
  addToProvider(conversion, { [type === 'oauth2' ? 'scopes' : 'defaultScopes']: wanted })
}

function convertParams(conversion: Conversion): void {
  const { settings } = conversion
  const prompt = settings.text('prompt')
  const acrValues = settings.text('acr_values')
  const params = {
    ...(prompt !== undefined && { prompt }),
    ...(acrValues !== undefined && { acr_values: acrValues }),
  }
  if (Object.keys(params).length > 0) addToProvider(conversion, { authorizationParams: params })
  const mode = settings.text('auth_request_response_mode')
  if (mode === 'query' || mode === 'form_post') addToProvider(conversion, { responseMode: mode })
  else if (mode !== undefined)
    cannot(conversion, 'auth_request_response_mode', "must be 'query' or 'form_post' here.")
  const method =
    settings.text('code_challenge_method') ?? settings.text('force_code_challenge_method')
  if (method === 'plain')
    differs(conversion, 'code_challenge_method', 'is S256, which is the only method here.')
  if (settings.has('backend_logout_url')) {
    conversion.draft.member('logout', 'endProviderSession', true)
    differs(
      conversion,
      'backend_logout_url',
      'is not called: the browser goes to the end_session_endpoint of the provider, which must know <your app>/<basePath>/logout as post-logout redirect URI.',
    )
  }
}
