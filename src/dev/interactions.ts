/// <reference path="./oidc-provider.d.ts" />
import { randomBytes } from 'node:crypto'
import type { InteractionResults, KoaContextWithOIDC } from 'oidc-provider'
import type { Provider } from 'oidc-provider/lib/provider.js'
import type { ProviderPages } from './dev-configuration.js'
import { avatarOf } from './avatars.js'
import { logoutPage, messagePage, personasPage } from './dev-pages.js'
import { devPolicy } from './layout.js'
import type { Persona } from './personas.js'

type Context = Pick<
  KoaContextWithOIDC,
  'req' | 'res' | 'path' | 'query' | 'type' | 'status' | 'body' | 'set' | 'redirect'
>

function sendPage(ctx: Context, make: (nonce: string) => string): void {
  const nonce = randomBytes(16).toString('base64')
  ctx.type = 'html'
  ctx.set('Cache-Control', 'no-store')
  ctx.set('Content-Security-Policy', devPolicy(nonce))
  ctx.body = make(nonce)
}

/** The pages of oidc-provider's own flows. */
export const providerPages: ProviderPages = {
  logoutSource(ctx, form) {
    const [, action = ''] = /action="([^"]*)"/.exec(form) ?? []
    const [, xsrf = ''] = /value="([^"]*)"/.exec(form) ?? []
    sendPage(ctx, (nonce) => logoutPage(nonce, action, xsrf))
  },
  postLogoutSuccessSource(ctx) {
    sendPage(ctx, (nonce) =>
      messagePage(nonce, 'You are signed out', 'Next time, you choose a persona again.'),
    )
  },
  renderError(ctx, { error, error_description: description }) {
    const title = 'The dev provider rejected this request'
    sendPage(ctx, (nonce) =>
      messagePage(nonce, title, description ?? 'There is no description.', error),
    )
  },
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

interface InteractionsDeps {
  provider: Provider
  issuer: string
  personas: readonly Persona[]
}

/** The paths of the dev provider itself: choosing a persona, and the pictures of the personas. */
export class Interactions {
  readonly #deps: InteractionsDeps

  constructor(deps: InteractionsDeps) {
    this.#deps = deps
  }

  /** Handles a request as Koa middleware. */
  async handle(ctx: Context, next: () => Promise<unknown>): Promise<void> {
    if (ctx.path.startsWith('/picture/')) return this.#sendPicture(ctx)
    if (ctx.path.startsWith('/interaction/')) {
      return this.#interact(ctx).catch((error: unknown) => {
        if (!(error instanceof Error && error.name === 'SessionNotFound')) throw error
        ctx.status = 400
        sendPage(ctx, (nonce) => messagePage(nonce, 'This sign-in has ended', LOGIN_ENDED))
      })
    }
    if (ctx.path === '/auth') allowOfflineAccess(ctx)
    await next()
  }

  async #interact(ctx: Context): Promise<void> {
    const { provider, personas } = this.#deps
    const interaction = await provider.interactionDetails(ctx.req, ctx.res)
    if ('deny' in ctx.query) {
      return this.#finish(ctx, {
        error: 'access_denied',
        error_description: 'The user did not want to sign in.',
      })
    }
    if (interaction.prompt.name === 'consent') return this.#finish(ctx, { consent: {} })
    const persona = personas.find(({ id }) => id === ctx.query['persona'])
    if (persona) {
      if (interaction.session && interaction.session.accountId !== persona.id)
        await this.#forgetSession(interaction)
      return this.#finish(ctx, { login: { accountId: persona.id }, select_account: {} })
    }
    sendPage(ctx, (nonce) => personasPage(nonce, ctx.path, personas))
  }

  async #finish(ctx: Context, result: InteractionResults): Promise<void> {
    ctx.status = 303
    ctx.redirect(await this.#deps.provider.interactionResult(ctx.req, ctx.res, result))
  }

  /**
   * Otherwise oidc-provider signs the other persona out on a page that needs a script, and revokes
   * its tokens.
   */
  async #forgetSession(interaction: Interaction): Promise<void> {
    const session = await this.#deps.provider.Session.findByUid(interaction.session?.uid ?? '')
    await session?.destroy()
    delete interaction.session
    await interaction.persist()
  }

  #sendPicture(ctx: Context): void {
    const { issuer, personas } = this.#deps
    const persona = personas.find(
      ({ id }) =>
        new URL(`picture/${encodeURIComponent(id)}.svg`, `${issuer}/`).pathname === ctx.path,
    )
    if (!persona) return
    ctx.type = 'image/svg+xml'
    ctx.body = avatarOf(persona.id)
  }
}

const LOGIN_ENDED =
  'It was completed before, took too long, or started in another browser. Go back to your app and sign in again.'

/**
 * Unlike OpenID Connect Core 1.0, section 11, most providers grant `offline_access` without
 * `prompt=consent`.
 */
function allowOfflineAccess(ctx: Context): void {
  const { scope, prompt = '' } = ctx.query
  if (typeof scope !== 'string' || typeof prompt !== 'string') return
  const prompts = prompt.split(' ').filter(Boolean)
  if (
    !scope.split(' ').includes('offline_access') ||
    prompts.includes('none') ||
    prompts.includes('consent')
  )
    return
  ctx.query = { ...ctx.query, prompt: [...prompts, 'consent'].join(' ') }
}
