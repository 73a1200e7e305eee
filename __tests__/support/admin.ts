import type { IncomingMessage, ServerResponse } from 'node:http'
import connect from 'connect'
import express from 'express'
import express4 from 'express4'
import supertest from 'supertest'
import { type AdminOptions, adminRouter } from '../../src/admin/index.js'
import {
  type OAuthMiddleware,
  oauthModule,
  type OAuthModuleOptions,
  oidcProvider,
} from '../../src/index.js'
import { signIn, type TestUser } from '../../src/testing/index.js'
import { recorder, secret, stopping } from './gate.js'
import { listen } from './server.js'

export const deploy = 'deploy-token-of-thirty-two-characters'
export const audit = 'audit-token-of-thirty-two-characters-'
export const chrome =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'

/** A gate whose provider is never asked, at the path `mount` of an app. */
export interface AdminGate {
  readonly auth: OAuthMiddleware
  readonly logged: string[]
  readonly revoked: string[]
}

/** A gate that logs in users without a provider. */
export function adminGate(options: Partial<OAuthModuleOptions> = {}): AdminGate {
  const logged: string[] = []
  const idp = oidcProvider({ issuer: 'http://127.0.0.1:9', clientId: 'a', clientSecret: 'b' })
  const auth = oauthModule({ provider: { idp }, secret, logger: recorder(logged), ...options })
  stopping({ close: () => auth.close() })
  const revoked: string[] = []
  auth.on('revoked', ({ sessionHandle }) => void revoked.push(sessionHandle))
  return { auth, logged, revoked }
}

export interface AdminResponse {
  readonly status: number
  readonly headers: Headers
  // The tests compare it.
  readonly body: Record<string, unknown>
}

/** What a request contains beyond its token. A body that is an object is sent as JSON. */
export interface AdminContent {
  readonly body?: object | string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** An app with the API at `/admin-api`, and gates at their paths. */
export interface AdminApp {
  readonly origin: string
  /** The base URL of the API. */
  readonly api: string
  /** Calls the API with a token; `null` sends none. */
  call(
    method: string,
    path: string,
    token?: string | null,
    content?: AdminContent,
  ): Promise<AdminResponse>
  /** Logs in, and returns the cookie. */
  enter(gate: AdminGate, user: TestUser, path?: string): Promise<string>
  /** The status of a request to the app with a cookie. */
  visit(cookie: string, path?: string): Promise<number>
  close(): Promise<void>
}

export interface AdminSetup {
  /** A parser in front of the API. */
  readonly parser?: express.RequestHandler
  readonly framework?: 'express' | 'express4' | 'connect' | 'http'
  readonly options?: Partial<AdminOptions>
}

const respond = (_req: IncomingMessage, res: ServerResponse) => void res.end('the app')

/** Starts an app with gates by their path, each of which is the module `main/<its position>`. */
export async function startAdmin(
  gates: Readonly<Record<string, AdminGate>>,
  { framework = 'express', options = {}, parser }: AdminSetup = {},
): Promise<AdminApp> {
  const modules = Object.values(gates).map(({ auth }, index) => [`main/route-${index}`, auth])
  const tokens = { deploy, audit: { token: audit, readOnly: true } }
  const router = adminRouter(Object.fromEntries(modules), { tokens, ...options })
  const server = stopping(await listen(handlerOf(framework, gates, router, parser)))
  const mount = framework === 'http' ? '' : '/admin-api'
  const api = server.origin + mount
  return {
    ...server,
    api,
    call: (method, path, token = deploy, content = {}) => call(method, api + path, token, content),
    async enter({ auth }, user, path = '') {
      const agent = supertest.agent(`http://127.0.0.1:${server.port}`).set('User-Agent', chrome)
      return (await signIn(agent, auth, user, { mountPath: path })).cookie
    },
    async visit(cookie, path = '/') {
      const headers = { cookie, accept: 'application/json' }
      return (await fetch(server.origin + path, { headers, redirect: 'manual' })).status
    },
  }
}

function handlerOf(
  framework: string,
  gates: Readonly<Record<string, AdminGate>>,
  router: ReturnType<typeof adminRouter>,
  parser: express.RequestHandler | undefined,
) {
  const mounted = Object.entries(gates)
  if (framework === 'http') {
    const [first] = Object.values(gates)
    return (req: IncomingMessage, res: ServerResponse) =>
      router(req, res, () => first?.auth(req, res, () => respond(req, res)))
  }
  if (framework === 'connect') {
    const app = connect().use('/admin-api', router)
    for (const [path, { auth }] of mounted) app.use(path, auth)
    return app.use(respond)
  }
  const app = framework === 'express4' ? express4() : express()
  if (parser !== undefined) app.use(parser)
  app.use('/admin-api', router)
  for (const [path, { auth }] of mounted) app.use(path, auth)
  return app.use(respond)
}

async function call(
  method: string,
  url: string,
  token: string | null,
  { body, headers }: AdminContent,
): Promise<AdminResponse> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token !== null && {
        authorization: token.includes(' ') ? token : `Bearer ${token}`,
      }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    redirect: 'manual',
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as Record<string, unknown>) : { text },
  }
}

/** The items of a list. */
export function itemsOf({ body }: AdminResponse): Record<string, unknown>[] {
  const list = body['application_users'] ?? body['application_sessions']
  return Array.isArray(list) ? (list as Record<string, unknown>[]) : []
}

/** The IDs of a list. */
export function idsOf(response: AdminResponse): string[] {
  return itemsOf(response).map(({ id }) => String(id))
}
