import { Html, html } from './html.js'
import type {
  ConfirmLogoutContext,
  ContinueContext,
  DeniedContext,
  ErrorContext,
  FrameContext,
  PageBasics,
  PagesOption,
  SignedOutContext,
  SignInContext,
} from './contexts.js'
import { pageViews } from './views.js'

export type * from './contexts.js'

export interface Page {
  body: string
  /** The `Content-Security-Policy` of the answer. */
  policy: string
}

/** What a page needs beyond what {@link createPages} adds to it. */
export type PageData<Context extends PageBasics> = Omit<Context, keyof PageBasics>

export interface Pages {
  signIn(facts: PageData<SignInContext>, nonce: string): Page
  error(facts: PageData<ErrorContext>, nonce: string): Page
  denied(facts: PageData<DeniedContext>, nonce: string): Page
  signedOut(facts: PageData<SignedOutContext>, nonce: string): Page
  confirmLogout(facts: PageData<ConfirmLogoutContext>, nonce: string): Page
  frame(facts: PageData<FrameContext>, nonce: string): Page
  continue(facts: PageData<ContinueContext>, nonce: string): Page
}

interface PagesConfig {
  custom: PagesOption | undefined
  /** The origins of the configured icons: pages show images from nowhere else. */
  imageOrigins: readonly string[]
}

/**
 * The pages of the gate, as pure functions; `nonce` is fresh for each answer. What a page of the app's own throws goes
 * through to the caller.
 */
export function createPages({ custom = {}, imageOrigins }: PagesConfig): Pages {
  const origins = [...new Set(imageOrigins.map((origin) => new URL(origin).origin))]
  const views = pageViews(origins)

  function page(nonce: string, made: string | Html, framedBy = "'none'"): Page {
    return { body: markup(made), policy: policy(nonce, origins, framedBy) }
  }

  return {
    signIn: (facts, nonce) =>
      page(nonce, (custom.signIn ?? views.signIn)({ ...facts, html, nonce })),
    error: (facts, nonce) => page(nonce, (custom.error ?? views.error)({ ...facts, html, nonce })),
    denied: (facts, nonce) =>
      page(nonce, (custom.denied ?? views.denied)({ ...facts, html, nonce })),
    signedOut: (facts, nonce) =>
      page(nonce, (custom.signedOut ?? views.signedOut)({ ...facts, html, nonce })),
    confirmLogout: (facts, nonce) => page(nonce, views.confirmLogout({ ...facts, html, nonce })),
    // A frame of the same app may show it; in a frame of another site the cookie is missing and no login would help.
    frame: (facts, nonce) => page(nonce, views.frame({ ...facts, html, nonce }), "'self'"),
    continue: (facts, nonce) => page(nonce, views.continue({ ...facts, html, nonce })),
  }
}

function markup(made: unknown): string {
  if (typeof made === 'string') return made
  if (Html.isHtml(made)) return made.toString()
  // A promise comes too late for an answer, and if it is rejected that must not end the process.
  Promise.resolve(made).catch(() => undefined)
  throw new TypeError(
    'pages: a page function has to return a string, or what the html tag of its context makes',
  )
}

function policy(nonce: string, imageOrigins: readonly string[], framedBy: string): string {
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    ...(imageOrigins.length > 0 ? [`img-src ${imageOrigins.join(' ')}`] : []),
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${framedBy}`,
  ].join('; ')
}
