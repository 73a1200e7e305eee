import { type Branding, logosOf } from './branding.js'
import type { PageBasics, PagesOption } from './contexts.js'
import { devices } from './devices-view.js'
import { denied, error } from './error-views.js'
import { Html, html } from './html.js'
import { Languages } from './languages.js'
import type { PageSetting } from './layout.js'
import { imageSource, policyOf } from './policy.js'
import type { PageTexts, TextsOption } from './texts.js'
import * as views from './views.js'

interface PageDefinition {
  readonly view: (context: never, setting: PageSetting) => Html
  /** Whether pages of the app may show it in a frame. */
  readonly isFrameable?: boolean
  /** Whether the `Origin` of its forms is checked. Browsers send it unless a page forbids that. */
  readonly hasForms?: boolean
  /** Whether it contains a script, which it also works without. */
  readonly hasScript?: boolean
}

/** Every page. Adding one takes a row here, its view and its context. */
const PAGES = {
  signIn: { view: views.signIn },
  error: { view: error },
  denied: { view: denied },
  signedOut: { view: views.signedOut },
  confirmLogout: { view: views.confirmLogout },
  // Only frames of the app: in a frame of another site the cookie is missing, so a login would not
  // help.
  frame: { view: views.frame, isFrameable: true },
  continue: { view: views.continueElsewhere },
  lostPage: { view: views.lostPage },
  devices: { view: devices, hasForms: true },
  signedIn: { view: views.signedIn, hasScript: true },
} as const satisfies Record<string, PageDefinition> & Record<keyof PagesOption, PageDefinition>

/** The name of a page. */
export type PageName = keyof typeof PAGES

type Contexts = { [Name in PageName]: Parameters<(typeof PAGES)[Name]['view']>[0] }

/** The context of a page without {@link PageBasics}. */
export type PageData<Name extends PageName> = Omit<Contexts[Name], keyof PageBasics>

/** The context of a page, for this request. A function, if it contains texts. */
export type PageContent<Name extends PageName> =
  PageData<Name> | ((texts: PageTexts) => PageData<Name>)

type Context<Name extends PageName> = PageData<Name> & PageBasics

const builtIn: {
  readonly [Name in PageName]: {
    view: (context: Context<Name>, setting: PageSetting) => Html
    isFrameable?: boolean
    hasForms?: boolean
    hasScript?: boolean
  }
} = PAGES

/** What the pages of a gate depend on. */
export interface PagesDeps {
  readonly custom?: PagesOption | undefined
  readonly branding?: Branding | undefined
  readonly texts?: TextsOption | undefined
  /** The icons of the providers. Pages load images only from their origins. */
  readonly iconUrls?: readonly string[]
  /** Receives errors of the functions of the option `texts`. The page is in English then. */
  readonly onTextsError?: (error: unknown) => void
}

/** What a page is rendered for. */
export interface PageRequest {
  /** New for each response. */
  readonly nonce: string
  /** The header of this name. */
  readonly acceptLanguage?: string | undefined
}

/** A rendered page. */
export interface Page {
  readonly body: string
  /** The `Content-Security-Policy` of the response. */
  readonly policy: string
  /** The `X-Frame-Options` of the response, for browsers without `frame-ancestors`. (RFC 7034) */
  readonly frameOptions: 'DENY' | 'SAMEORIGIN'
  /** The `Referrer-Policy` of the response. With `no-referrer`, forms have `Origin: null`. */
  readonly referrerPolicy: 'no-referrer' | 'same-origin'
  /** Request headers that the page depends on, besides the cookies. */
  readonly vary: readonly string[]
}

/** Renders the pages of the gate. */
export class Pages {
  readonly #custom: {
    readonly [Name in PageName]?: ((context: Context<Name>) => unknown) | undefined
  }
  readonly #branding: Branding
  readonly #languages: Languages
  readonly #iconOrigins: readonly string[]
  readonly #images: readonly string[]
  /** When a page of the app was last rendered, in milliseconds. */
  customPageAt = Number.NEGATIVE_INFINITY

  constructor(deps: PagesDeps = {}) {
    const { custom = {}, branding = {}, texts, iconUrls = [], onTextsError = () => {} } = deps
    this.#custom = custom
    this.#branding = branding
    this.#languages = new Languages(texts, onTextsError)
    this.#iconOrigins = [...new Set(iconUrls.map((url) => new URL(url).origin))]
    const logos = logosOf(branding).flatMap((url) => imageSource(url) ?? [])
    this.#images = [...new Set([...logos, ...this.#iconOrigins])]
  }

  /** Whether the texts depend on `Accept-Language`. */
  get isNegotiated(): boolean {
    return this.#languages.isNegotiated
  }

  /** The texts for a request with this `Accept-Language`. */
  textsFor(acceptLanguage: string | undefined): PageTexts {
    return this.#languages.textsFor(acceptLanguage)
  }

  /**
   * The app's page, or the built-in one. Throws the error of the app's page, and a `TypeError` if
   * it is not markup.
   */
  render<Name extends PageName>(
    name: Name,
    content: PageContent<Name>,
    request: PageRequest,
  ): Page {
    const view = this.#custom[name]
    if (view === undefined) return this.renderBuiltIn(name, content, request)
    this.customPageAt = Date.now()
    return this.#render(name, content, request, view)
  }

  /** The built-in page, for when the app's page throws. */
  renderBuiltIn<Name extends PageName>(
    name: Name,
    content: PageContent<Name>,
    request: PageRequest,
  ): Page {
    return this.#render(name, content, request, builtIn[name].view)
  }

  #render<Name extends PageName>(
    name: Name,
    content: PageContent<Name>,
    { nonce, acceptLanguage }: PageRequest,
    view: (context: Context<Name>, setting: PageSetting) => unknown,
  ): Page {
    const branding = this.#branding
    const texts = this.#languages.textsFor(acceptLanguage)
    const data = typeof content === 'function' ? content(texts) : content
    const { lang, dir } = texts
    const setting = { nonce, texts, branding, iconOrigins: this.#iconOrigins }
    const { isFrameable = false, hasScript = false } = builtIn[name]
    const isCustom = view !== builtIn[name].view
    return {
      body: toMarkup(view({ ...data, html, nonce, lang, dir, branding }, setting)),
      policy: policyOf({ nonce, images: this.#images, isCustom, isFrameable, hasScript }),
      frameOptions: isFrameable ? 'SAMEORIGIN' : 'DENY',
      referrerPolicy: builtIn[name].hasForms === true ? 'same-origin' : 'no-referrer',
      vary: this.#languages.isNegotiated ? ['Accept-Language'] : [],
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
