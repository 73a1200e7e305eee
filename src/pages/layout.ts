import { html, type Html } from './html.js'
import { brandRules, style } from './style.js'

/** The parts in which pages differ. */
export interface Layout {
  readonly nonce: string
  readonly title: string
  readonly icon: Html
  readonly body: Html
  /** Brand colors, by the index of the button. */
  readonly colors?: readonly (string | undefined)[]
}

/** A complete page. */
export function layout({ nonce, title, icon, body, colors = [] }: Layout): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<style nonce="${nonce}">${style}${brandRules(colors)}</style>
</head>
<body>
<main>
${icon}
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`
}

function icon(name: string, paths: Html): Html {
  return html`<svg class="sign ${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
 stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${paths}</svg>`
}

/** The icons above the heading. */
export const icons = {
  lock: icon(
    'lock',
    html`<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
  ),
  done: icon('done', html`<path d="M5 12.5l4.5 4.5L19 7.5"/>`),
  stop: icon('stop', html`<path d="M12 4v10.5M12 19.5v.01"/>`),
}

/** `primary` is the action that most users need. */
export type ButtonKind = 'primary' | 'plain'

/** A link that looks like a button. */
export function link(url: string, label: string, kind: ButtonKind): Html {
  return html`<a class="button ${kind}" href="${webUrl(url)}">${label}</a>`
}

/**
 * Returns a path or an http(s) URL. Throws a `TypeError` for any other URL, such as `javascript:`.
 */
export function webUrl(url: string): string {
  const isWeb = /^(?:https?:\/\/|\/(?![/\\]))[^\t\r\n]*$/i.test(url)
  if (!isWeb) throw new TypeError('pages: a link must be a path or an http(s) URL')
  return url
}
