import { randomUUID } from 'node:crypto'
import {
  TEST_LOGINS,
  type TestLoginAccess,
  type TestTicket,
  type TestUser,
  TICKET_HEADER,
} from '../flows/test-login.js'
import { isPage, type PageSignIn, signInPage, type TestPage } from './sign-in-page.js'

/** An agent of supertest: it keeps cookies. */
export interface TestAgent {
  /** Starts a request. */
  get(url: string): TestRequest
}

/** A request of a {@link TestAgent}. */
export interface TestRequest extends PromiseLike<TestResponse> {
  /** Sets a header. */
  set(name: string, value: string): TestRequest
}

/** The response to a {@link TestRequest}. */
export interface TestResponse {
  /** The HTTP status. */
  readonly status: number
  /** In lower case, as in `node:http`. */
  readonly headers: Readonly<Record<string, unknown>>
}

/**
 * The middleware of `oauthModule()`. The members are those of every gate: its own type is not that
 * of `oauth-module` in the declarations of this subpath.
 */
export interface TestedMiddleware {
  /** As in `oauth-module`. */
  ready(): Promise<unknown>
  /** As in `oauth-module`. */
  close(): Promise<void>
}

/** Where the middleware is, if not at the root of the app. */
export interface SignInOptions {
  /** The path at which the app mounts the middleware. Default: the root. */
  mountPath?: string | undefined
}

/** A signed-in user. */
export interface SignedIn {
  /** The value of the header `Cookie`, for requests with `fetch`. */
  readonly cookie: string
}

/**
 * Logs in any user at an app in this process, without a provider. Rules, `authorize` and `onLogin`
 * run as in a login, the event `login` is emitted, and the session is never due for a check. It has
 * no tokens. Works only if `NODE_ENV` is `test` or `development`.
 *
 * ```ts
 * import express from 'express'
 * import { oauthModule } from 'oauth-module'
 * import { signIn } from 'oauth-module/testing'
 * import request from 'supertest'
 *
 * const auth = oauthModule({ provider: 'github' })
 * const app = express().use(auth, (req, res) => void res.send('hello'))
 *
 * const agent = request.agent(app)
 * await signIn(agent, auth, { email: 'ada@acme.com', teams: ['acme/admins'] })
 * await agent.get('/').expect(200)
 * ```
 *
 * @param agent An agent of supertest, or the URL of the app for `fetch`.
 * @param auth The middleware of the app.
 * @param user What a provider would report of the user.
 * @throws OAuthError if the rules deny the user, or the login fails for another reason.
 */
export async function signIn(
  agent: TestAgent | string,
  auth: TestedMiddleware,
  user?: TestUser,
  options?: SignInOptions,
): Promise<SignedIn>
/**
 * Logs in a persona of the development provider in a page of Playwright. Works only if `NODE_ENV` is
 * `test` or `development`.
 *
 * ```ts
 * import { signIn } from 'oauth-module/testing'
 * import { chromium } from 'playwright-core'
 *
 * const browser = await chromium.launch()
 * const page = await browser.newPage()
 * await signIn(page, { baseURL: 'http://localhost:3000', user: 'ada@acme.example' })
 * ```
 *
 * @param page A page of Playwright.
 * @param options The URL of the app, and the ID, name or email address of a persona.
 */
export async function signIn(page: TestPage, options: PageSignIn): Promise<void>
export async function signIn(
  target: TestAgent | TestPage | string,
  auth: TestedMiddleware | PageSignIn,
  user: TestUser = {},
  { mountPath = '' }: SignInOptions = {},
): Promise<SignedIn | void> {
  requireTest()
  if (isPage(target)) return signInPage(target, auth as PageSignIn)
  const access = Reflect.get(auth, TEST_LOGINS) as TestLoginAccess | undefined
  if (access === undefined)
    throw new TypeError('signIn() expects the middleware of oauthModule() as its second argument')
  return signInAgent(typeof target === 'string' ? fetchAgent(target) : target, access, {
    user,
    path: `${mountPath.replace(/\/$/, '')}${access.basePath}/session`,
  })
}

function requireTest(): void {
  const { NODE_ENV: mode } = process.env
  if (mode !== 'test' && mode !== 'development')
    throw new Error(
      'signIn() works only if NODE_ENV is test or development: start the tests with NODE_ENV=test',
    )
}

async function signInAgent(
  agent: TestAgent,
  { tickets }: TestLoginAccess,
  { user, path }: { readonly user: TestUser; readonly path: string },
): Promise<SignedIn> {
  const ticket: TestTicket = { user }
  const id = randomUUID()
  tickets.set(id, ticket)
  try {
    const request = agent.get(path).set(TICKET_HEADER, id).set('Accept', 'application/json')
    const { headers, status } = await request
    if (ticket.error !== undefined) throw ticket.error
    if (ticket.isUsed !== true)
      throw new Error(
        `signIn(): ${path} does not reach the middleware (status ${status}): if the app mounts it at a path, pass { mountPath: '…' }`,
      )
    return { cookie: cookieOf(headers['set-cookie']) }
  } finally {
    tickets.delete(id)
  }
}

function cookieOf(lines: unknown): string {
  return (Array.isArray(lines) ? lines : [])
    .map((line) => String(line).split(';', 1)[0] ?? '')
    .filter((pair) => /session(?:\.\d+)?=./.test(pair))
    .join('; ')
}

/** Sends requests with `fetch`. */
function fetchAgent(origin: string): TestAgent {
  return {
    get(path) {
      const headers = new Headers()
      const send = async (): Promise<TestResponse> => {
        const response = await fetch(new URL(path, origin), { headers, redirect: 'manual' })
        await response.arrayBuffer()
        return {
          status: response.status,
          headers: { 'set-cookie': response.headers.getSetCookie() },
        }
      }
      const request: TestRequest = {
        set(name, value) {
          headers.set(name, value)
          return request
        },
        then: (onFulfilled, onRejected) => send().then(onFulfilled, onRejected),
      }
      return request
    },
  }
}
