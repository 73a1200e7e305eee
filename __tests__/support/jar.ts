import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { CookieJar, type Cookie } from 'tough-cookie'

export interface Hop {
  method: string
  url: string
  status: number
  headers: IncomingHttpHeaders
  /** The raw `Set-Cookie` lines of this response. */
  setCookie: string[]
  body: string
}

export interface Page extends Hop {
  /** Every response from the first to this one. */
  history: Hop[]
  /** The absolute URL of a redirect; `undefined` for other responses. */
  location: string | undefined
}

export interface VisitOptions {
  /** Overrides headers; `undefined` removes one of the browser's own. */
  headers?: Record<string, string | undefined>
  /**
   * How many redirects to follow (default 20), none, or those whose target the function accepts.
   */
  follow?: number | false | ((url: string) => boolean)
  /** The page of another site that posts the form: cookies with `SameSite=Lax` stay at home. */
  from?: string
}

export interface Browser {
  get(url: string, options?: VisitOptions): Promise<Page>
  /** A form post (an object), or any body with a content type of the caller's. */
  post(url: string, body?: Record<string, string> | string, options?: VisitOptions): Promise<Page>
  request(
    method: string,
    url: string,
    body: string | undefined,
    options?: VisitOptions,
  ): Promise<Page>
  cookies(url: string): Cookie[]
  setCookie(line: string, url: string): void
  clearCookies(): void
}

const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status)

function navigationHeaders(from: string | undefined, to: string): Record<string, string> {
  const site =
    from === undefined
      ? 'none'
      : new URL(from).origin === new URL(to).origin
        ? 'same-origin'
        : 'cross-site'
  return {
    Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'Accept-Language': 'en',
    'Sec-Fetch-Site': site,
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-User': '?1',
    'Sec-Fetch-Dest': 'document',
    'Upgrade-Insecure-Requests': '1',
    'User-Agent': 'Mozilla/5.0 (test browser)',
  }
}

function override(headers: Record<string, string>, by: Record<string, string | undefined> = {}) {
  const result = { ...headers }
  for (const [name, value] of Object.entries(by)) {
    for (const known of Object.keys(result))
      if (known.toLowerCase() === name.toLowerCase()) delete result[known]
    if (value !== undefined) result[name] = value
  }
  return result
}

function exchange(
  method: string,
  url: string,
  headers: Record<string, string>,
  body: string | undefined,
): Promise<Hop> {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest
  // localhost is also ::1, where the test servers do not listen.
  const lookup = new URL(url).hostname === 'localhost' ? { family: 4 } : {}
  return new Promise((resolve, reject) => {
    const req = send(
      url,
      { method, headers, agent: false, rejectUnauthorized: false, ...lookup },
      (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk: Buffer) => chunks.push(chunk))
        res.on('error', reject)
        res.on('end', () =>
          resolve({
            method,
            url,
            status: res.statusCode ?? 0,
            headers: res.headers,
            setCookie: res.headers['set-cookie'] ?? [],
            body: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    req.on('error', reject)
    req.end(body)
  })
}

/**
 * A browser without a screen: its own cookies, a browser's headers, redirects that can be stopped
 * anywhere.
 */
export function createBrowser(): Browser {
  let jar = new CookieJar()

  async function visit(
    method: string,
    url: string,
    body: string | undefined,
    options: VisitOptions,
    from?: string,
  ) {
    const own = navigationHeaders(from, url)
    if (body !== undefined) own['Content-Type'] = 'application/x-www-form-urlencoded'
    const isCrossSitePost = method === 'POST' && own['Sec-Fetch-Site'] === 'cross-site'
    const cookie = jar.getCookieStringSync(url, isCrossSitePost ? { sameSiteContext: 'none' } : {})
    if (cookie) own['Cookie'] = cookie
    const hop = await exchange(method, url, override(own, options.headers), body)
    for (const line of hop.setCookie) jar.setCookieSync(line, url, { ignoreError: true })
    return hop
  }

  async function request(
    method: string,
    url: string,
    body: string | undefined,
    options: VisitOptions = {},
  ): Promise<Page> {
    const { follow = 20 } = options
    const history: Hop[] = []
    let hop = await visit(method, url, body, options, options.from)
    for (;;) {
      history.push(hop)
      const to = isRedirect(hop.status) ? hop.headers.location : undefined
      const location = to === undefined ? undefined : new URL(to, hop.url).href
      const goOn =
        typeof follow === 'function'
          ? location !== undefined && follow(location)
          : history.length <= Number(follow)
      if (location === undefined || !goOn) return { ...hop, history, location }
      if (history.length > 30) throw new Error(`too many redirects, the last to ${location}`)
      const keepsMethod = hop.status >= 307
      hop = await visit(
        keepsMethod ? hop.method : 'GET',
        location,
        keepsMethod ? body : undefined,
        options,
        hop.url,
      )
    }
  }

  return {
    request,
    get: (url, options) => request('GET', url, undefined, options),
    post: (url, body = '', options) =>
      request(
        'POST',
        url,
        typeof body === 'string' ? body : new URLSearchParams(body).toString(),
        options,
      ),
    cookies: (url) => jar.getCookiesSync(url),
    setCookie: (line, url) => void jar.setCookieSync(line, url),
    clearCookies() {
      jar = new CookieJar()
    },
  }
}

const decode = (text: string) =>
  text
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')

function attribute(tag: string, name: string): string | undefined {
  const found = new RegExp(`\\s${name}=(?:"([^"]*)"|'([^']*)')`, 'i').exec(tag)
  const value = found?.[1] ?? found?.[2]
  return value === undefined ? undefined : decode(value)
}

/** The first form of a page: its absolute action and its hidden or preset fields. */
export function formOf(page: Pick<Hop, 'url' | 'body'>): {
  action: string
  fields: Record<string, string>
} {
  const form = /<form\b[^>]*>[\s\S]*?<\/form>/i.exec(page.body)?.[0]
  if (form === undefined) throw new Error(`no form on ${page.url}`)
  const fields: Record<string, string> = {}
  for (const [tag] of form.matchAll(/<input\b[^>]*>/gi)) {
    const name = attribute(tag, 'name')
    if (name !== undefined) fields[name] = attribute(tag, 'value') ?? ''
  }
  return { action: new URL(attribute(form, 'action') ?? '', page.url).href, fields }
}

/** The absolute targets of a page's links, in order. */
export function linksOf(page: Pick<Hop, 'url' | 'body'>): string[] {
  return [...page.body.matchAll(/<a\b[^>]*>/gi)].flatMap(([tag]) => {
    const href = attribute(tag, 'href')
    return href === undefined ? [] : [new URL(href, page.url).href]
  })
}
