const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/** Markup that {@link html} made. Only that tag makes it: no string, nor anything that came as JSON, passes for it. */
export class Html {
  readonly #markup: string

  private constructor(markup: string) {
    this.#markup = markup
  }

  /** The tag itself; use it as {@link html}. */
  static tag(this: void, strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
    if (!Array.isArray(strings) || !Array.isArray(strings.raw)) {
      throw new TypeError('html is a template tag: write html`<p>${text}</p>`, not html(text)')
    }
    return new Html(
      strings.reduce((markup, string, index) => markup + Html.#render(values[index - 1]) + string),
    )
  }

  static isHtml(this: void, value: unknown): value is Html {
    return typeof value === 'object' && value !== null && #markup in value
  }

  static #render(value: HtmlValue): string {
    if (value === undefined || value === null || value === false) return ''
    if (Html.isHtml(value)) return value.#markup
    if (Array.isArray(value)) return value.map((item) => Html.#render(item)).join('')
    return String(value).replace(/[&<>"'`]/g, (character) => entities[character] ?? '')
  }

  toString(): string {
    return this.#markup
  }
}

/** What may stand in a `${…}` of {@link html}. */
export type HtmlValue = Html | string | number | false | null | undefined | readonly HtmlValue[]

/**
 * A template tag for pages. It escapes every string and number, for element content and for quoted attributes, puts
 * nested `html` values in as they are, joins lists, and leaves out `undefined`, `null` and `false`.
 * It does not judge addresses: do not put a foreign one into `href` or `src`.
 */
export const html = Html.tag
