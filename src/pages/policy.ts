/** What a page may load. */
export interface PageSources {
  readonly nonce: string
  /** Origins of icons and logos, and `'self'`. */
  readonly images: readonly string[]
  /** Whether the page is one of the app, with style sheets, images and fonts from the app's origin. */
  readonly isCustom: boolean
  /** Whether pages of the app may show it in a frame. */
  readonly isFrameable: boolean
}

/** The `Content-Security-Policy` of a page. It allows no scripts. */
export function policyOf({ nonce, images, isCustom, isFrameable }: PageSources): string {
  const own = isCustom ? ["'self'"] : []
  return [
    "default-src 'none'",
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
