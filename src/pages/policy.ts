/** What a page may load. */
export interface PageSources {
  readonly nonce: string
  /** Origins of icons and logos, and `'self'`. */
  readonly images: readonly string[]
  /** Whether the page is one of the app, with style sheets, images and fonts from the app's origin. */
  readonly isCustom: boolean
  /** Whether pages of the app may show it in a frame. */
  readonly isFrameable: boolean
  /** Whether the page contains a script with the nonce. */
  readonly hasScript?: boolean
}

/** The `Content-Security-Policy` of a page. It allows no scripts but one of our own. */
export function policyOf(sources: PageSources): string {
  const { nonce, images, isCustom, isFrameable, hasScript } = sources
  const own = isCustom ? ["'self'"] : []
  return [
    "default-src 'none'",
    ...(hasScript ? [`script-src 'nonce-${nonce}'`] : []),
    `style-src ${[`'nonce-${nonce}'`, ...own].join(' ')}`,
    // `data:` for the icon in the browser's tab.
    `img-src ${[...new Set(['data:', ...own, ...images])].join(' ')}`,
    ...(isCustom ? ["font-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${isFrameable ? "'self'" : "'none'"}`,
  ].join('; ')
}

/** The source that allows an image: its origin, `'self'` for a path, nothing for `data:`. */
export function imageSource(url: string): string | undefined {
  if (url.startsWith('/')) return "'self'"
  return url.startsWith('data:') ? undefined : new URL(url).origin
}
