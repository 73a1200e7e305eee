/// <reference path="./oidc-provider.d.ts" />
import { randomBytes } from 'node:crypto'
import type { InteractionResults, KoaContextWithOIDC } from 'oidc-provider'
import type { Provider } from 'oidc-provider/lib/provider.js'
import type { ProviderAnswers } from './dev-configuration.js'
import { logoutPage, messagePage, personasPage, pictureOf } from './dev-pages.js'
import type { Persona } from './personas.js'

type Context = Pick<
  KoaContextWithOIDC,
  'req' | 'res' | 'path' | 'query' | 'type' | 'status' | 'body' | 'set' | 'redirect'
>

function sendPage(ctx: Context, make: (nonce: string) => string): void {
  const nonce = randomBytes(16).toString('base64')
  ctx.type = 'html'
  ctx.set('Cache-Control', 'no-store')
  ctx.set(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'none'`,
  )
  ctx.body = make(nonce)
}

/** The pages that oidc-provider shows in its own flows. */
export const providerAnswers: ProviderAnswers = {
  logoutSource(ctx, form) {
    const [, action = '', xsrf = ''] = /action="([^"]*)".*value="([^"]*)"/.exec(form) ?? []
    sendPage(ctx, (nonce) => logoutPage(nonce, action, xsrf))
  },
  postLogoutSuccessSource(ctx) {
    sendPage(ctx, (nonce) =>
      messagePage(nonce, 'You are signed out', 'The next login asks again who you want to be.'),
    )
  },
  renderError(ctx, { error, error_description: description }) {
    const title = 'The dev provider refused this request'
    sendPage(ctx, (nonce) => messagePage(nonce, title, description ?? 'It gave no reason.', error))
  },
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

interface Interactions {
  provider: Provider
  issuer: string
  personas: readonly Persona[]
}

/** Our own paths: choosing a persona, and the personas' pictures. */
export function createInteractions({ provider, issuer, personas }: Interactions) {
  async function finish(ctx: Context, result: InteractionResults): Promise<void> {
    ctx.status = 303
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result))
  }

  async function interact(ctx: Context): Promise<void> {
    const interaction = await provider.interactionDetails(ctx.req, ctx.res)
    if ('deny' in ctx.query) {
      return finish(ctx, {
        error: 'access_denied',
        error_description: 'The user did not want to sign in.',
      })
    }
    if (interaction.prompt.name === 'consent') return finish(ctx, { consent: {} })
    const persona = personas.find(({ id }) => id === ctx.query['persona'])
    if (persona) {
      if (interaction.session && interaction.session.accountId !== persona.id)
        await forgetSession(interaction)
      return finish(ctx, { login: { accountId: persona.id }, select_account: {} })
    }
    sendPage(ctx, (nonce) => personasPage(nonce, ctx.path, personas))
  }

  /** Without this oidc-provider would log the other persona out by a page with a script, and revoke its tokens. */
  async function forgetSession(interaction: Interaction): Promise<void> {
    const session = await provider.Session.findByUid(interaction.session?.uid ?? '')
    await session?.destroy()
    delete interaction.session
    await interaction.persist()
  }

  function sendPicture(ctx: Context): void {
    const persona = personas.find(
      ({ id }) =>
        new URL(`picture/${encodeURIComponent(id)}.svg`, `${issuer}/`).pathname === ctx.path,
    )
    if (!persona) return
    ctx.type = 'image/svg+xml'
    ctx.body = pictureOf(persona)
  }

  return async (ctx: Context, next: () => Promise<unknown>): Promise<void> => {
    if (ctx.path.startsWith('/picture/')) return sendPicture(ctx)
    if (ctx.path.startsWith('/interaction/')) {
      return interact(ctx).catch((error: unknown) => {
        if (!(error instanceof Error && error.name === 'SessionNotFound')) throw error
        ctx.status = 400
        const message =
          'It was finished before, took too long, or began in another browser. Go back to your app and sign in again.'
        sendPage(ctx, (nonce) => messagePage(nonce, 'This login is over', message))
      })
    }
    if (ctx.path === '/auth') allowOfflineAccess(ctx)
    await next()
  }
}

/** OpenID Connect wants `prompt=consent` for `offline_access`; most providers, and so this one, do not. */
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
