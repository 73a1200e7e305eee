import type { IncomingMessage, ServerResponse } from 'node:http'

/** Response headers by name. */
export type Headers = Record<string, string | readonly string[]>

/**
 * On every response of this package: neither browsers nor caches may store it, and other sites can
 * neither embed it nor keep a reference to its window.
 * (https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html)
 */
const SECURITY_HEADERS: Headers = {
  'Cache-Control': 'no-store',
  Vary: 'Cookie',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
  'Permissions-Policy':
    'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()',
}

function writeHead(res: ServerResponse, status: number, headers: Headers): void {
  res.statusCode = status
  for (const [name, value] of Object.entries({ ...SECURITY_HEADERS, ...headers }))
    res.setHeader(name, value)
}

/** Sends `location` unchanged, unlike Express's `res.redirect()`, which re-encodes some paths. */
export function redirect(res: ServerResponse, location: string, status = 302): void {
  writeHead(res, status, { Location: location, 'Content-Length': '0' })
  res.end()
}

/**
 * Redirects to a page, also after a posted form: 303 has every client load the page with GET. (RFC
 * 9110, 15.4.4)
 */
export function redirectToPage(
  { method }: IncomingMessage,
  res: ServerResponse,
  location: string,
): void {
  redirect(res, location, method === 'POST' ? 303 : 302)
}

/** Responds without a body. */
export function sendNothing(res: ServerResponse, status: number): void {
  send(res, status, '', {})
}

/** Sends `body` as JSON. */
export function sendJson(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Headers = {},
): void {
  send(res, status, JSON.stringify(body), {
    'Content-Type': 'application/json; charset=utf-8',
    ...headers,
  })
}

/** Sends a page; `policy` is its `Content-Security-Policy`. */
export function sendHtml(
  res: ServerResponse,
  status: number,
  body: string,
  policy: string,
  headers: Headers = {},
): void {
  send(res, status, body, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policy,
    ...headers,
  })
}

/** A script, prepared for many responses. */
export interface Script {
  readonly body: string
  readonly gzip: Buffer
  readonly etag: string
}

/** How long browsers use a script without asking for a newer one, in seconds. */
const SCRIPT_MAX_AGE = 3600

/** Sends a script. `vary`: request headers that it depends on. It is the same for every user. */
export function sendScript(
  { headers: requestHeaders, method }: IncomingMessage,
  res: ServerResponse,
  { body, gzip, etag }: Script,
  vary: readonly string[] = [],
): void {
  const headers = {
    'Cache-Control': `private, max-age=${SCRIPT_MAX_AGE}`,
    ETag: etag,
    Vary: ['Accept-Encoding', ...vary].join(', '),
  }
  if (requestHeaders['if-none-match']?.includes(etag)) {
    writeHead(res, 304, headers)
    return void res.end()
  }
  const isZipped = acceptsGzip(requestHeaders['accept-encoding'])
  const content = isZipped ? gzip : body
  writeHead(res, 200, {
    'Content-Type': 'text/javascript; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(content)),
    ...(isZipped && { 'Content-Encoding': 'gzip' }),
    ...headers,
  })
  res.end(method === 'HEAD' ? undefined : content)
}

function send(res: ServerResponse, status: number, body: string, headers: Headers): void {
  writeHead(res, status, { ...headers, 'Content-Length': String(Buffer.byteLength(body)) })
  res.end(res.req?.method === 'HEAD' ? undefined : body)
}

/** RFC 9110, 12.5.3 */
function acceptsGzip(acceptEncoding = ''): boolean {
  return acceptEncoding
    .split(',')
    .some((coding) => /^\s*gzip\b/i.test(coding) && !/q=0(?:\.0*)?\s*$/i.test(coding))
}
