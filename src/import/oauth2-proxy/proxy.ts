import { cannot, type Conversion, differs } from './conversion.js'

/** Addresses of the gate itself, and what it believes of proxies before it. */
export function convertProxy(conversion: Conversion): void {
  const { settings, draft } = conversion
  convertPaths(conversion)
  if (settings.flag('skip_auth_preflight')) draft.option('optionsPassthrough', true)
  if (settings.flag('force_json_errors')) {
    draft.option('unauthenticated', 'reject')
    differs(conversion, 'force_json_errors', 'also answers navigations with 401, without a login.')
  }
  convertTrust(conversion)
  const logo = settings.text('custom_sign_in_logo')
  if (logo !== undefined && /^(?:https:\/\/|data:image\/)/.test(logo))
    draft.member('branding', 'logoUrl', logo)
  else if (logo !== undefined && logo !== '-')
    cannot(conversion, 'custom_sign_in_logo', 'is a file: set branding.logoUrl to an https URL.')
  for (const name of ['banner', 'footer'])
    if (settings.has(name) && settings.text(name) !== '-')
      cannot(conversion, name, 'is HTML, which the pages do not take: see branding and texts.')
}

function convertPaths(conversion: Conversion): void {
  const { settings, draft } = conversion
  const prefix = (settings.text('proxy_prefix') ?? '/oauth2').replace(/\/$/, '')
  const isValid = /^(?:\/[a-zA-Z0-9_-]+)+$/.test(prefix)
  const basePath = isValid ? prefix : '/oauth2'
  if (!isValid) cannot(conversion, 'proxy_prefix', 'is not accepted as basePath: choose another.')
  draft.option('basePath', basePath)
  draft.option('callbackPath', `${basePath}/callback`)
  convertRedirect(conversion, `${basePath}/callback`)
  draft.differs(
    basePath,
    `has other paths: ${basePath}/sign_in and ${basePath}/start are ${basePath}/authn, ${basePath}/sign_out is ${basePath}/logout, ${basePath}/userinfo is ${basePath}/session, ${basePath}/auth needs the setting authRequest, and /ping and /ready are ${basePath}/health and ${basePath}/ready. The query parameter rd is ignored.`,
  )
}

function convertRedirect(conversion: Conversion, callbackPath: string): void {
  const { settings, draft } = conversion
  const redirect = settings.text('redirect_url')
  if (redirect === undefined) return
  const isAbsolute = /^https?:\/\//.test(redirect) && URL.canParse(redirect)
  if (!isAbsolute && !/^\/[^/]/.test(redirect))
    return draft.mistake(settings.key('redirect_url'), 'must be a URL or a path')
  const { origin, pathname } = new URL(redirect, 'http://origin.invalid')
  if (pathname === '/') {
    if (isAbsolute) draft.option('baseUrl', origin)
    return
  }
  if (isAbsolute) draft.option('baseUrl', origin)
  if (pathname !== callbackPath) draft.option('callbackPath', pathname)
}

function convertTrust(conversion: Conversion): void {
  const { settings, draft } = conversion
  if (!settings.flag('reverse_proxy')) {
    if (settings.has('trusted_proxy_ips'))
      differs(conversion, 'trusted_proxy_ips', 'has no effect without reverse_proxy, as there.')
    return
  }
  const trusted = settings.texts('trusted_proxy_ips')
  if (trusted.length > 0) draft.command('trustedProxy', trusted)
  else
    cannot(
      conversion,
      'reverse_proxy',
      'believes X-Forwarded-* of every address there: list the addresses of your proxies in trustedProxy, or with the middleware in trust proxy of Express.',
    )
  const header = settings.text('real_client_ip_header')
  if (header !== undefined) differs(conversion, 'real_client_ip_header', 'is X-Forwarded-For here.')
}
