import { cannot, type Conversion, differs } from './conversion.js'
import { isStatic } from './headers.js'

/** The app behind the gate, and the address in front of it. */
export function convertUpstreams(conversion: Conversion): void {
  const upstreams = conversion.settings.texts('upstreams')
  const [only, ...more] = upstreams
  if (upstreams.some(isStatic)) convertStatic(conversion)
  else if (more.length > 0) convertSeveral(conversion)
  else if (only !== undefined) convertOne(conversion, only)
  else
    differs(
      conversion,
      'upstreams',
      'is missing: set target to the URL of the app, or use the middleware in the app itself.',
    )
  convertAddress(conversion)
}

function convertStatic(conversion: Conversion): void {
  const { settings, draft } = conversion
  if (settings.texts('upstreams').length > 1)
    return cannot(conversion, 'upstreams', 'mixes static:// with others: choose one.')
  draft.command('authRequest', true)
  differs(
    conversion,
    'upstreams',
    'is static, so the command answers auth_request of a web server: for Traefik and Caddy, set authRequest to forward. The web server must send the original URL, and must be listed in trustedProxy.',
  )
}

function convertSeveral(conversion: Conversion): void {
  const { settings, draft } = conversion
  const root = settings.texts('upstreams').find((url) => isHttp(url) && hasRootPath(url))
  if (root !== undefined) draft.command('target', originOf(root))
  cannot(
    conversion,
    'upstreams',
    `lists several, and a gate has one target${root === undefined ? '' : ', for which the one at / is taken'}: put a web server behind the gate that distributes requests by path.`,
  )
}

function convertOne(conversion: Conversion, upstream: string): void {
  const { draft } = conversion
  if (!isHttp(upstream))
    return cannot(
      conversion,
      'upstreams',
      'is not an http URL: put a web server behind the gate, and set target to its URL.',
    )
  draft.command('target', originOf(upstream))
  if (!hasRootPath(upstream))
    cannot(
      conversion,
      'upstreams',
      'has a path, and everything else is 404 there: target proxies all paths, so reject them in the app.',
    )
}

function isHttp(upstream: string): boolean {
  return /^https?:\/\//.test(upstream) && URL.canParse(upstream)
}

function hasRootPath(upstream: string): boolean {
  const { pathname, search } = new URL(upstream)
  return pathname === '/' && search === ''
}

function originOf(upstream: string): string {
  return new URL(upstream).origin
}

function convertAddress(conversion: Conversion): void {
  const { settings, draft } = conversion
  const address = settings.text('http_address')
  const listen = (address ?? '127.0.0.1:4180').replace(/^http:\/\//, '')
  const port = /:(\d+)$/.exec(listen)?.[1]
  if (settings.has('tls_cert_file') || settings.has('tls_key_file'))
    cannot(
      conversion,
      settings.has('tls_cert_file') ? 'tls_cert_file' : 'tls_key_file',
      'has no counterpart: the command speaks plain http, so terminate TLS in a web server before it.',
    )
  if (/^(?:unix|fd):/i.test(listen) || port === undefined)
    return cannot(conversion, 'http_address', 'is not host:port: set listen.')
  draft.command('listen', listen.startsWith(':') ? `0.0.0.0${listen}` : listen)
  if (!/^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):/.test(listen) && !hasPublicUrl(conversion))
    cannot(
      conversion,
      'redirect_url',
      'names no public address, and the command requires one to listen beyond this machine: set baseUrl to the URL that browsers use.',
    )
}

function hasPublicUrl({ settings }: Conversion): boolean {
  return /^https?:\/\//.test(settings.text('redirect_url') ?? '')
}
