import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import connect from 'connect'
import express, { type Express } from 'express'
import express4 from 'express4'
import supertest from 'supertest'
import { type AdminOptions, adminRouter } from '../../src/admin/index.js'
import type { OAuthModuleOptions } from '../../src/index.js'
import { signIn, type TestUser } from '../../src/testing/index.js'
import { adminGate, type AdminGate, chrome, deploy } from './admin.js'
import { stopping } from './gate.js'
import { listen } from './server.js'

export const root = { id: 'root', email: 'root@acme.example', name: 'Root Admin' }
export const ada = { id: 'ada', email: 'ada@acme.example', name: 'Ada Lovelace', username: 'ada' }

export interface PageResponse {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** An app with the pages at `/admin`, and one gate. */
export interface PagesApp {
  readonly origin: string
  readonly gate: AdminGate
  /** Logs in, and returns the cookie. */
  enter(user: TestUser): Promise<string>
  /** Requests a page as a browser that navigates. */
  get(path: string, cookie?: string, headers?: Record<string, string>): Promise<PageResponse>
  /** Sends a form as a browser does from a page of the app. */
  post(
    path: string,
    fields: Record<string, string>,
    cookie?: string,
    headers?: Record<string, string | undefined>,
  ): Promise<PageResponse>
  /** The token in the form of a page. */
  tokenOf(path: string, cookie: string): Promise<string>
  /** The status of a request to the app with a cookie. */
  visit(cookie: string): Promise<number>
}

export type Framework = 'express' | 'express4' | 'connect' | 'http'

export interface PagesSetup {
  readonly framework?: Framework
  /** Where the gate is (default the root), and where the pages are (default `/admin`). */
  readonly mount?: string
  readonly at?: string
  readonly options?: Partial<AdminOptions>
  readonly gate?: Partial<OAuthModuleOptions>
  /** Adds to the Express app in front of the pages. */
  readonly before?: (app: Express) => void
}

const respond = (_req: IncomingMessage, res: ServerResponse) => void res.end('the app')

/** Starts an app whose pages admit {@link root}. */
export async function startPages(setup: PagesSetup = {}): Promise<PagesApp> {
  const { mount = '', at = '/admin' } = setup
  const gate = adminGate({ id: 'app', ...setup.gate })
  const router = adminRouter(
    { 'main/app': gate.auth },
    {
      tokens: { deploy },
      pages: { gate: gate.auth, rules: { emailAddresses: [root.email] } },
      ...setup.options,
    },
  )
  const server = stopping(await listen(handlerOf(setup, gate, router)))
  const { origin } = server
  const get: PagesApp['get'] = (path, cookie, headers = {}) =>
    navigate(`${origin}${at}${path}`, { headers: { cookie, ...headers } })
  return {
    origin,
    gate,
    get,
    async enter(user) {
      const agent = supertest.agent(`http://127.0.0.1:${server.port}`).set('User-Agent', chrome)
      return (await signIn(agent, gate.auth, user, { mountPath: mount })).cookie
    },
    post(path, fields, cookie, headers = {}) {
      return navigate(`${origin}${at}${path}`, {
        form: fields,
        headers: { origin, cookie, ...headers },
      })
    },
    async tokenOf(path, cookie) {
      const { text } = await get(path, cookie)
      const token = /name="token" value="([^"]+)"/.exec(text)?.[1]
      if (token === undefined) throw new Error(`no token on ${path}: ${text.slice(0, 500)}`)
      return token
    },
    async visit(cookie) {
      const headers = { cookie, accept: 'application/json' }
      return (await fetch(`${origin}${mount}/`, { headers, redirect: 'manual' })).status
    },
  }
}

/** What a browser sends, besides the fetch metadata of a navigation. */
export interface Navigation {
  readonly method?: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Fields of a posted form. */
  readonly form?: Readonly<Record<string, string>>
}

/** A request as that of a browser that navigates: `fetch` sends other metadata. */
export function navigate(
  url: string,
  { headers, form, method = form === undefined ? 'GET' : 'POST' }: Navigation,
): Promise<PageResponse> {
  const type = form && { 'content-type': 'application/x-www-form-urlencoded' }
  const all = Object.entries({ ...navigation, ...type, ...headers })
  const sent = Object.fromEntries(all.filter(([, value]) => value !== undefined))
  return new Promise((resolve, reject) => {
    const req = request(url, { method, headers: sent, agent: false, family: 4 }, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      res.once('end', () => {
        const received = new Headers()
        for (const [name, value] of Object.entries(res.headers))
          for (const one of [value ?? []].flat()) received.append(name, one)
        resolve({ status: res.statusCode ?? 0, headers: received, text })
      })
    })
    req.once('error', reject)
    req.end(form && new URLSearchParams(form).toString())
  })
}

const navigation = {
  accept: 'text/html,application/xhtml+xml',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'same-origin',
}

function handlerOf(
  { framework = 'express', mount = '', at = '/admin', before }: PagesSetup,
  { auth }: AdminGate,
  router: ReturnType<typeof adminRouter>,
) {
  if (framework === 'http')
    return (req: IncomingMessage, res: ServerResponse) => {
      const toApp = () => auth(req, res, () => respond(req, res))
      const { url = '' } = req
      if (!`${url}/`.startsWith(`${at}/`)) return toApp()
      // As a router does.
      Object.assign(req, { originalUrl: url, url: url.slice(at.length) || '/' })
      router(req, res, toApp)
    }
  if (framework === 'connect')
    return connect()
      .use(at, router)
      .use(mount || '/', auth)
      .use(respond)
  const app = framework === 'express4' ? (express4() as unknown as Express) : express()
  before?.(app)
  app.use(at, router)
  app.use(mount || '/', auth)
  return app.use(respond)
}
