import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import connect from 'connect'
import express, { type Express } from 'express'
import express4 from 'express4'
import {
  type Logger,
  type OAuthMiddleware,
  oauthModule,
  type OAuthModuleOptions,
  oidcProvider,
} from '../../src/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import type { Browser, Page, VisitOptions } from './jar.js'
import { listen } from './server.js'

export const secret = 'a secret for tests, longer than 32 characters'

/** The response of the app behind the gate: what it saw of the request. */
export interface Seen {
  url: string
  method: string
  user: Record<string, unknown> | null
  oauth: Record<string, unknown> | null
  headers: Record<string, string>
  rawHeaders: string[]
}

export interface Gate {
  origin: string
  port: number
  server: Server
  middleware: OAuthMiddleware
  /** Requests that reached the app, as `METHOD url`. */
  reached: string[]
  /** What was logged, one line each. */
  logged: string[]
  url(path: string): string
  close(): Promise<void>
}

export interface GateSetup {
  /** Where the gate is mounted (default the root). */
  mount?: string
  framework?: 'express' | 'express4' | 'connect' | 'http'
  /** Runs before the gate is mounted (Express only). */
  before?: (app: Express) => void
  /** Routes of the app instead of the echo. */
  routes?: (app: Express, middleware: OAuthMiddleware) => void
  port?: number
  /** Serves over https. */
  tls?: { key: Buffer; cert: Buffer }
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void

const running = new Set<() => Promise<void>>()

/** Stops every gate and provider that was started here; for `afterEach` or `afterAll`. */
export async function stopAll(): Promise<void> {
  const all = [...running]
  running.clear()
  await Promise.all(all.map((stop) => stop()))
}

/** Has {@link stopAll} stop this as well. */
export function stopping<T extends { close(): Promise<void> }>(started: T): T {
  running.add(() => started.close())
  return started
}

/** An app behind the gate that responds with what it saw. */
export async function startGate(options: OAuthModuleOptions, setup: GateSetup = {}): Promise<Gate> {
  const { framework = 'express', mount = '/' } = setup
  const logged: string[] = []
  const reached: string[] = []
  const middleware = oauthModule({ secret, logger: recorder(logged), ...options })
  const echo: Handler = (req, res) => {
    reached.push(`${req.method} ${req.url}`)
    res.setHeader('Content-Type', 'application/json')
    res.end(JSON.stringify(seen(req)))
  }
  const handler = assemble(framework, mount, middleware, echo, setup)
  const { port, tls } = setup
  const server = await listen(handler, { tls, ...(port !== undefined && { port }) })
  const close = async () => {
    await server.close()
    await middleware.close()
  }
  return stopping({
    ...server,
    middleware,
    reached,
    logged,
    url: (path: string) => server.origin + path,
    close,
  })
}

function assemble(
  framework: string,
  mount: string,
  middleware: OAuthMiddleware,
  echo: Handler,
  setup: GateSetup,
): Handler {
  if (framework === 'http') {
    return (req, res) =>
      middleware(req, res, (error) => {
        if (error === undefined) return echo(req, res)
        res.statusCode = 500
        res.end('next(error)')
      })
  }
  if (framework === 'connect') return connect().use(mount, middleware).use(echo)
  const app = framework === 'express4' ? (express4() as unknown as Express) : express()
  setup.before?.(app)
  app.use(mount, middleware)
  setup.routes?.(app, middleware)
  app.use(echo)
  app.use((error: unknown, _req: unknown, res: ServerResponse, _next: unknown) => {
    res.statusCode = 500
    res.end(`the app's error handler: ${error instanceof Error ? error.message : 'not an error'}`)
  })
  return app
}

/** A logger that writes one line per call into an array. */
export function recorder(logged: string[]): Logger {
  const write = (level: string) => (message: string, facts?: object) =>
    void logged.push(`${level} ${message} ${facts === undefined ? '' : JSON.stringify(facts)}`)
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

function seen(req: IncomingMessage): Seen {
  const { oauth, user, originalUrl } = req as IncomingMessage & {
    oauth?: object
    user?: Record<string, unknown>
    originalUrl?: string
  }
  return {
    url: originalUrl ?? req.url ?? '',
    method: req.method ?? '',
    user: user ?? null,
    oauth: oauth ? { ...oauth } : null,
    headers: Object.fromEntries(valuesOf(req.headers)),
    rawHeaders: req.rawHeaders,
  }
}

/** With hidden tokens, which are inherited. */
function valuesOf(headers: IncomingMessage['headers']) {
  const inherited = Object.getPrototypeOf(headers) as object
  return [headers, inherited]
    .flatMap((object) => Object.getOwnPropertyNames(object))
    .filter((name) => ['string', 'object'].includes(typeof headers[name]) && name !== '__proto__')
    .map((name) => [name, String(headers[name])])
}

/** The `oidc` vendor as a provider option. */
export function oidcOf(vendor: VendorServer, more: Record<string, unknown> = {}) {
  const { issuer, clientId, clientSecret } = vendor.options as {
    issuer: string
    clientId: string
    clientSecret: string
  }
  return oidcProvider({ issuer, clientId, clientSecret, ...more })
}

export function bodyOf(page: Pick<Page, 'body'>): Seen {
  return JSON.parse(page.body) as Seen
}

/** Stops before the callback reaches the app. */
export function untilCallback(url: string): boolean {
  return !new URL(url).pathname.includes('/auth/callback')
}

/**
 * Logs in, and stops where the provider sends the browser back: `location` is the callback's URL.
 */
export async function toCallback(
  browser: Browser,
  url: string,
  options: VisitOptions = {},
): Promise<string> {
  const page = await browser.get(url, { ...options, follow: untilCallback })
  if (page.location === undefined)
    throw new Error(`no callback: ${page.status} ${page.url} ${page.body}`)
  return page.location
}

/** The authorization request that a page redirects to. */
export function authorizationOf(page: Pick<Page, 'location' | 'status' | 'body'>): URLSearchParams {
  if (page.location === undefined) throw new Error(`no redirect: ${page.status} ${page.body}`)
  return new URL(page.location).searchParams
}

export function cookieLine(setCookie: readonly string[], name: string): string {
  const line = setCookie.find((one) => one.startsWith(name))
  if (line === undefined) throw new Error(`no cookie ${name} in ${setCookie.join(' | ')}`)
  return line
}

export function valueOfCookie(browser: Browser, url: string, name = 'ngrok.session'): string {
  const cookie = browser.cookies(url).find(({ key }) => key === name)
  if (cookie === undefined) throw new Error(`no cookie ${name}`)
  return cookie.value
}
