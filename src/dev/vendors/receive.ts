import type { IncomingMessage } from 'node:http'
import type { VendorRequest } from './types.js'
import type { Route } from './vendor.js'

/** Reads the entire request and finds its route. */
export async function receive(req: IncomingMessage, routes: Route[]) {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks).toString()
  const method = req.method ?? 'GET'
  const url = new URL(req.url ?? '/', 'http://127.0.0.1')
  const { route, path } = match(routes, method, url.pathname)
  const isForm = String(req.headers['content-type']).startsWith('application/x-www-form-urlencoded')
  const request: VendorRequest = {
    endpoint: route?.endpoint ?? 'unknown',
    method,
    url: req.url ?? '/',
    query: url.searchParams,
    headers: req.headers,
    rawHeaders: req.rawHeaders,
    ...(isForm ? { form: Object.fromEntries(new URLSearchParams(body)) } : {}),
    body,
  }
  return { request, route, path }
}

function match(
  routes: Route[],
  method: string,
  pathname: string,
): { route?: Route; path: Record<string, string> } {
  const segments = pathname.split('/')
  for (const route of routes) {
    const pattern = route.path.split('/')
    if (!route.methods.includes(method) || pattern.length !== segments.length) continue
    const path: Record<string, string> = {}
    const isMatch = pattern.every((part, index) => {
      const segment = segments[index] ?? ''
      if (!part.startsWith('{')) return part === segment
      path[part.slice(1, -1)] = decodeURIComponent(segment)
      return segment !== ''
    })
    if (isMatch) return { route, path }
  }
  return { path: {} }
}
