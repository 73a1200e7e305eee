import type { ServerResponse } from 'node:http'

/** Response headers by name. */
export type Headers = Record<string, string>

/** Neither browsers nor caches may store a response of this package. */
function writeHead(res: ServerResponse, status: number, headers: Headers): void {
  res.statusCode = status
  res.setHeader('Cache-Control', 'no-store')
  res.setHeader('Vary', 'Cookie')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.setHeader('Referrer-Policy', 'no-referrer')
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
}

/** Sends `location` unchanged, unlike Express's `res.redirect()`, which re-encodes some paths. */
export function redirect(res: ServerResponse, location: string, status = 302): void {
  writeHead(res, status, { Location: location, 'Content-Length': '0' })
  res.end()
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
