const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/** Markup created by {@link html}. Strings and other objects are not accepted as markup. */
export class Html {
  readonly #markup: string

  private constructor(markup: string) {
    this.#markup = markup
  }

  /**
   * The template tag itself; use it as {@link html}. Throws a `TypeError` when called as a
   * function.
   */
  static readonly tag = (strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html => {
    if (!Array.isArray(strings) || !Array.isArray(strings.raw)) {
      throw new TypeError('html is a template tag: write html`<p>${text}</p>`, not html(text)')
    }
    return new Html(
      strings.reduce((markup, string, index) => markup + Html.#render(values[index - 1]) + string),
    )
  }

  /** Whether a value was created by {@link html}. */
  static readonly isHtml = (value: unknown): value is Html =>
    typeof value === 'object' && value !== null && #markup in value

  static #render(value: HtmlValue): string {
    if (value === undefined || value === null || value === false) return ''
    if (Html.isHtml(value)) return value.#markup
    if (Array.isArray(value)) return value.map((item: HtmlValue) => Html.#render(item)).join('')
    return String(value).replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '')
  }

  /** The markup as a string. */
  toString(): string {
    return this.#markup
  }
}

/** What can be inserted with `${…}` in {@link html}. */
export type HtmlValue = Html | string | number | false | null | undefined | readonly HtmlValue[]

/**
 * A template tag for pages. It escapes strings and numbers for element content and quoted
 * attributes, inserts nested `html` values unchanged, joins arrays, and omits `undefined`, `null`
 * and `false`. It does not validate URLs: do not insert external ones into `href` or `src`.
 *
 * ```ts
 * oauthModule({
 *   provider: 'github',
 *   pages: {
 *     signedOut: ({ loginUrl, nonce }) => html`<!doctype html>
 *       <title>Signed out</title>
 *       <style nonce="${nonce}">body { font-family: sans-serif }</style>
 *       <a href="${loginUrl}">Sign in again</a>`,
 *   },
 * })
 * ```
 */
export const html = Html.tag
