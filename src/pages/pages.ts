import type { PageBasics, PagesOption } from './contexts.js'
import { Html, html } from './html.js'
import * as views from './views.js'

interface PageDefinition {
  /** `iconOrigins`: the origins that the page may load images from. */
  readonly view: (context: never, iconOrigins: readonly string[]) => Html
  /** Whether pages of the app may show it in a frame. */
  readonly isFrameable?: boolean
}

/** Every page. Adding one takes a row here, its view and its context. */
const PAGES = {
  signIn: { view: views.signIn },
  error: { view: views.error },
  denied: { view: views.denied },
  signedOut: { view: views.signedOut },
  confirmLogout: { view: views.confirmLogout },
  // Only frames of the app: in a frame of another site the cookie is missing, so a login would not
  // help.
  frame: { view: views.frame, isFrameable: true },
  continue: { view: views.continueElsewhere },
} as const satisfies Record<string, PageDefinition> & Record<keyof PagesOption, PageDefinition>

/** The name of a page. */
export type PageName = keyof typeof PAGES

type Contexts = { [Name in PageName]: Parameters<(typeof PAGES)[Name]['view']>[0] }

/** The context of a page without {@link PageBasics}. */
export type PageData<Name extends PageName> = Omit<Contexts[Name], keyof PageBasics>

type Context<Name extends PageName> = PageData<Name> & PageBasics

const builtIn: {
  readonly [Name in PageName]: {
    view: (context: Context<Name>, iconOrigins: readonly string[]) => Html
    isFrameable?: boolean
  }
} = PAGES

/** A rendered page. */
export interface Page {
  readonly body: string
  /** The `Content-Security-Policy` of the response. */
  readonly policy: string
  /** The `X-Frame-Options` of the response, for browsers without `frame-ancestors`. (RFC 7034) */
  readonly frameOptions: 'DENY' | 'SAMEORIGIN'
}

/** Renders the pages of the gate. The nonce is new for each response. */
export class Pages {
  readonly #custom: {
    readonly [Name in PageName]?: ((context: Context<Name>) => unknown) | undefined
  }
  readonly #iconOrigins: readonly string[]

  /** `iconUrls`: the icons of the providers. Pages load images only from their origins. */
  constructor(custom: PagesOption | undefined, iconUrls: readonly string[]) {
    this.#custom = custom ?? {}
    this.#iconOrigins = [...new Set(iconUrls.map((url) => new URL(url).origin))]
  }

  /**
   * The app's page, or the built-in one. Throws the error of the app's page, and a `TypeError` if
   * it is not markup.
   */
  render<Name extends PageName>(name: Name, data: PageData<Name>, nonce: string): Page {
    const view = this.#custom[name]
    if (view === undefined) return this.renderBuiltIn(name, data, nonce)
    return this.#page(name, view({ ...data, html, nonce }), nonce)
  }

  /** The built-in page, for when the app's page throws. */
  renderBuiltIn<Name extends PageName>(name: Name, data: PageData<Name>, nonce: string): Page {
    const { view } = builtIn[name]
    return this.#page(name, view({ ...data, html, nonce }, this.#iconOrigins), nonce)
  }

  #page(name: PageName, result: unknown, nonce: string): Page {
    const isFrameable = builtIn[name].isFrameable === true
    return {
      body: toMarkup(result),
      policy: policyOf(nonce, this.#iconOrigins, isFrameable),
      frameOptions: isFrameable ? 'SAMEORIGIN' : 'DENY',
    }
  }
}

function toMarkup(result: unknown): string {
  if (typeof result === 'string') return result
  if (Html.isHtml(result)) return result.toString()
  // The response cannot wait for a promise, but if it rejects, the process must not exit.
  Promise.resolve(result).catch(() => undefined)
  throw new TypeError(
    'pages: a page function must return a string or the result of the html tag in its context',
  )
}

function policyOf(nonce: string, imageOrigins: readonly string[], isFrameable: boolean): string {
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    ...(imageOrigins.length > 0 ? [`img-src ${imageOrigins.join(' ')}`] : []),
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${isFrameable ? "'self'" : "'none'"}`,
  ].join('; ')
}
