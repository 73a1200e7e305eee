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

function send(res: ServerResponse, status: number, body: string, headers: Headers): void {
  writeHead(res, status, { ...headers, 'Content-Length': String(Buffer.byteLength(body)) })
  res.end(res.req?.method === 'HEAD' ? undefined : body)
}
