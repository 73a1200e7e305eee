import { cannot, type Conversion, differs } from './conversion.js'

/** The headers that the app, or the web server, gets. */
export function convertHeaders(conversion: Conversion): void {
  const { settings, draft, type, provider } = conversion
  const isAuthRequest = conversion.settings.texts('upstreams').some(isStatic)
  const passesUser =
    settings.flag('pass_basic_auth', true) || settings.flag('pass_user_headers', true)
  const passesToken = settings.flag('pass_access_token')
  const setsUser = settings.flag('set_xauthrequest')
  if (isAuthRequest) draft.option('headerPrefix', setsUser ? 'oauth2-proxy-nginx' : false)
  else draft.option('headerPrefix', passesUser || passesToken ? 'oauth2-proxy' : false)
  draft.option('forwardTokens', passesToken ? 'access' : false)
  if (setsUser && !isAuthRequest)
    differs(
      conversion,
      'set_xauthrequest',
      'sets headers of responses there: here they exist only with the setting authRequest, and with headerPrefix oauth2-proxy-nginx.',
    )
  const sendsUser = isAuthRequest ? setsUser : passesUser
  if (sendsUser && (type === 'oidc' || ['gitlab', 'google', 'microsoft'].includes(provider)))
    draft.differs(
      isAuthRequest ? 'x-auth-request-user' : 'x-forwarded-user',
      'is preferred_username if the provider sends it, otherwise the ID: oauth2-proxy sends the ID.',
    )
  convertCredentials(conversion)
}

/** An upstream that only answers: the web server in front proxies. */
export function isStatic(upstream: string): boolean {
  return upstream.startsWith('static:')
}

function convertCredentials(conversion: Conversion): void {
  const { settings } = conversion
  for (const name of ['pass_authorization_header', 'set_authorization_header'])
    if (settings.flag(name))
      cannot(
        conversion,
        name,
        'has no counterpart: ID tokens do not leave the gate. Read the identity headers, or the access token with pass_access_token.',
      )
  if (settings.has('basic_auth_password') || settings.flag('set_basic_auth'))
    cannot(
      conversion,
      settings.has('basic_auth_password') ? 'basic_auth_password' : 'set_basic_auth',
      'has no counterpart: no Authorization header is set. Read the identity headers.',
    )
  if (settings.flag('prefer_email_to_user'))
    cannot(
      conversion,
      'prefer_email_to_user',
      'has no counterpart: read the header that ends in -email instead of -user.',
    )
  if (!settings.flag('skip_auth_strip_headers', true))
    differs(
      conversion,
      'skip_auth_strip_headers',
      'is always on: identity headers of clients never reach the app.',
    )
}
