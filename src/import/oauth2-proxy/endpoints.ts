import { addToProvider, cannot, type Conversion, differs } from './conversion.js'

/** The URLs of the provider, and the claims that describe the user. */
export function convertEndpoints(conversion: Conversion): void {
  const { type, provider } = conversion
  if (type === 'oidc') convertOidc(conversion)
  else if (type === 'oauth2') convertOAuth2(conversion)
  else if (provider === 'github') convertGithub(conversion)
  else if (provider === 'gitlab') convertGitlab(conversion)
  else if (provider === 'microsoft') convertMicrosoft(conversion)
  else
    for (const name of ['login_url', 'redeem_url', 'profile_url', 'oidc_issuer_url'])
      if (conversion.settings.has(name))
        cannot(conversion, name, 'is a URL of the vendor: set endpoints, if it is another server.')
}

const ISSUERS: Readonly<Record<string, string>> = { 'login.gov': 'https://secure.login.gov/' }

function convertOidc(conversion: Conversion): void {
  const { settings, draft } = conversion
  const issuer = settings.text('oidc_issuer_url') ?? ISSUERS[settings.text('provider') ?? '']
  if (issuer === undefined) draft.mistake('oidc_issuer_url', 'is missing')
  else addToProvider(conversion, { issuer: withoutDiscovery(issuer) })
  const endpoints = endpointsOf(conversion)
  if (settings.flag('skip_oidc_discovery')) addToProvider(conversion, { endpoints })
  else
    for (const [name, key] of NAMES)
      if (endpoints[key] !== undefined)
        differs(conversion, name, 'is left out: discovery replaces it, as in oauth2-proxy.')
  convertClaims(conversion)
  const algorithms = settings.texts('oidc_enabled_signing_algs')
  if (algorithms.length > 0) addToProvider(conversion, { signingAlgorithms: algorithms })
  if (issuer?.startsWith('http://') === true && !isLoopback(issuer)) {
    addToProvider(conversion, { insecureHttp: true })
    differs(conversion, 'oidc_issuer_url', 'is plain http, which insecureHttp: true accepts.')
  }
}

function withoutDiscovery(issuer: string): string {
  return issuer.replace(/\/\.well-known\/openid-configuration$/, '')
}

function isLoopback(url: string): boolean {
  return /^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::|\/|$)/.test(url)
}

const NAMES: readonly (readonly [name: string, key: string])[] = [
  ['login_url', 'authorization'],
  ['redeem_url', 'token'],
  ['profile_url', 'userinfo'],
  ['oidc_jwks_url', 'jwks'],
]

function endpointsOf({ settings }: Conversion): Readonly<Record<string, string>> {
  return Object.fromEntries(
    NAMES.flatMap(([name, key]) => {
      const url = settings.text(name)
      return url === undefined ? [] : [[key, url]]
    }),
  )
}

function convertClaims(conversion: Conversion): void {
  const { settings } = conversion
  // oauth2-proxy reads the address from the older setting, if the newer one is the default.
  const claim = [settings.text('oidc_email_claim'), settings.text('user_id_claim')].find(
    (name) => name !== undefined && name !== 'email',
  )
  if (claim !== undefined) {
    addToProvider(conversion, { claims: { email: claim } })
    if (!settings.flag('insecure_oidc_allow_unverified_email'))
      differs(
        conversion,
        settings.has('oidc_email_claim') ? 'oidc_email_claim' : 'user_id_claim',
        'is the email address of the user, which counts only if the claim email_verified is true: set trustEmail: true if the provider does not send it.',
      )
  }
  const groupsClaim = settings.text('oidc_groups_claim')
  if (groupsClaim !== undefined && groupsClaim !== 'groups')
    addToProvider(conversion, { groupsClaim })
}

function convertOAuth2(conversion: Conversion): void {
  const { authorization, token, userinfo } = endpointsOf(conversion)
  addToProvider(conversion, {
    ...(authorization !== undefined && { authorizationUrl: authorization }),
    ...(token !== undefined && { tokenUrl: token }),
    ...(userinfo !== undefined && { userinfoUrl: userinfo }),
  })
}

/** GitHub Enterprise Server, which oauth2-proxy identifies only by its three URLs. */
function convertGithub(conversion: Conversion): void {
  const { settings } = conversion
  const { authorization, token } = endpointsOf(conversion)
  const api = settings.text('validate_url')
  const base = authorization?.replace(/\/login\/oauth\/authorize\/?$/, '')
  if (authorization === undefined && token === undefined && api === undefined) return
  const isServer =
    base !== undefined &&
    base !== authorization &&
    (token === undefined || token.startsWith(`${base}/login/oauth/access_token`)) &&
    (api === undefined || api.startsWith(`${base}/api/v3`))
  if (isServer) return addToProvider(conversion, { baseUrl: base })
  addToProvider(conversion, {
    endpoints: {
      ...(authorization !== undefined && { authorization }),
      ...(token !== undefined && { token }),
      ...(api !== undefined && { api: api.replace(/\/$/, '') }),
    },
  })
}

function convertGitlab(conversion: Conversion): void {
  const issuer = conversion.settings.text('oidc_issuer_url')
  if (issuer !== undefined && !/^https:\/\/gitlab\.com\/?$/.test(issuer))
    addToProvider(conversion, { baseUrl: withoutDiscovery(issuer).replace(/\/$/, '') })
}

const SHARED = ['common', 'organizations', 'consumers']

function convertMicrosoft(conversion: Conversion): void {
  const { settings, rules } = conversion
  const issuer = settings.text('oidc_issuer_url')
  const inIssuer = /^https:\/\/(?:login\.microsoftonline\.com|sts\.windows\.net)\/([^/]+)/.exec(
    issuer ?? '',
  )?.[1]
  const allowed = settings.texts('entra_id_allowed_tenants')
  const [only, second] = allowed
  const named = settings.text('azure_tenant') ?? inIssuer
  const tenant = named === undefined || SHARED.includes(named) ? (only ?? named) : named
  if (second !== undefined)
    rules.missing(
      settings.key('entra_id_allowed_tenants'),
      "lists several tenants: set tenant: 'organizations' and authorize in an app, or one provider per tenant.",
    )
  else if (tenant !== undefined && tenant !== 'common') addToProvider(conversion, { tenant })
  if (issuer !== undefined && inIssuer === undefined)
    cannot(conversion, 'oidc_issuer_url', 'is not an issuer of Microsoft: set endpoints.issuer.')
}
