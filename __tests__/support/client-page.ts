import { randomUUID } from 'node:crypto'
import express, { type Express, type Request } from 'express'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { type OAuthMiddleware, type OAuthModuleOptions, oidcProvider } from '../../src/index.js'
import { type Gate, type GateSetup, startGate } from './gate.js'
import type { OidcServer } from './oidc.js'
import { eventually } from './programs.js'

/** A policy as strict as an app can have: our script must work under it. */
export const STRICT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

export interface ClientSetup extends GateSetup {
  /** What the page loads. Default: the script. */
  head?: string
  /** What the page contains. */
  body?: string
  /** The `Content-Security-Policy` of the page. */
  policy?: string
}

/** An app whose pages include the script of the gate. It responds to `/api/` with what it received. */
export async function startClientApp(
  oidc: OidcServer,
  options: Partial<OAuthModuleOptions> = {},
  setup: ClientSetup = {},
): Promise<Gate & { received: string[] }> {
  const { mount = '', policy = STRICT_POLICY, body = '<button id="b">Work</button>' } = setup
  const script = `<script src="${mount}${options.basePath ?? '/auth'}/client.js"></script>`
  const { head = script } = setup
  const received: string[] = []
  const routes = (app: Express, middleware: OAuthMiddleware) => {
    app.use(`${mount}/recent`, middleware.requireAuth({ maxAge: 60 }))
    app.use(
      [`${mount}/api`, `${mount}/recent`],
      express.raw({ type: () => true }),
      (req: Request, res) => {
        const { method, originalUrl } = req
        const content = Buffer.isBuffer(req.body) ? req.body.toString() : ''
        received.push(`${method} ${originalUrl} ${content}`.trim())
        res.json({ method, content, user: req.oauth.user?.id, type: req.get('content-type') })
      },
    )
    app.use((req, res) => {
      res.set('Content-Security-Policy', policy)
      const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>App</title>${head}<h1>${req.oauth.user?.name}</h1>${body}</html>`
      res.send(page)
    })
  }
  const client = {
    client_id: `client-${randomUUID()}`,
    client_secret: 'a secret of the client',
    grant_types: ['authorization_code', 'refresh_token'],
  }
  const provider = oidcProvider({
    issuer: oidc.issuer,
    clientId: client.client_id,
    clientSecret: client.client_secret,
  })
  const gate = await startGate({ provider: { idp: provider }, ...options }, { ...setup, routes })
  const uri = `${gate.origin}${mount}${options.basePath ?? '/auth'}/callback`
  await oidc.setClient({ ...client, redirect_uris: [uri] })
  return { ...gate, received }
}

/** Opens a page of the app as the user who is signed in at the provider. */
export async function openPage(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url)
  await page.waitForURL(url)
  return page
}

/** Ends the sessions of a user, as an administrator would. */
export async function endSessions({ middleware }: Gate): Promise<void> {
  const { items } = await middleware.sessions.list()
  for (const { id } of items) await middleware.sessions.revoke(id)
}

/** Runs `use` in a fresh profile. */
export async function withContext(
  browser: Browser,
  use: (context: BrowserContext) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const context = await browser.newContext(options)
  try {
    await use(context)
  } finally {
    await context.close()
  }
}

/** Waits until an expression is true in the page. (Playwright's own way needs `eval`.) */
export async function until(page: Page, expression: string): Promise<void> {
  await eventually(expression, async () => (await page.evaluate(expression)) || undefined)
}

/** Starts a request in the page, and keeps its outcome. */
export function startFetch(page: Page, expression: string, name = 'result'): Promise<void> {
  return page.evaluate(`void (window.${name} = (${expression}).then(
    async (response) => [response.status, await response.json()],
    (error) => [error.name, error.message],
  ))`)
}

export function outcomeOf(page: Page, name = 'result'): Promise<[number | string, unknown]> {
  return page.evaluate(`window.${name}`)
}

export const dialogOf = (page: Page) => page.locator('oauth-client dialog')
export const button = (page: Page, name: string) =>
  dialogOf(page).getByRole('button', { name, exact: true })

/** Clicks the button that signs in, and waits until the window has closed itself. */
export async function signInAgain(page: Page): Promise<void> {
  const opened = page.context().waitForEvent('page')
  await button(page, 'Sign in').click()
  const popup = await opened
  if (!popup.isClosed()) await popup.waitForEvent('close')
}
