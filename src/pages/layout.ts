import type { Branding } from './branding.js'
import { html, type Html } from './html.js'
import { FAVICON } from './marks.js'
import { accentRules, brandRules, style } from './style.js'
import { type PageTexts, placeholdersOf, type TextName } from './texts.js'

/** What a page is rendered with, besides its context. */
export interface PageSetting {
  readonly nonce: string
  readonly texts: PageTexts
  readonly branding: Branding
  /** The origins that pages may load the icons of providers from. */
  readonly iconOrigins: readonly string[]
}

/** The parts in which pages differ. */
export interface Layout {
  readonly title: string
  readonly icon: Html
  readonly body: Html
  /** Background colors of icons, by the index of the button. */
  readonly colors?: readonly (string | undefined)[]
  /** Rules of this page, in addition to the style sheet of all. */
  readonly rules?: Html
}

/** A complete page. */
export function layout(
  setting: PageSetting,
  { title, icon, body, colors = [], rules }: Layout,
): Html {
  const { nonce, texts, branding } = setting
  const { appName, accentColor, supportUrl } = branding
  const namesApp = appName !== undefined && title.includes(appName)
  return html`<!doctype html>
<html lang="${texts.lang}" dir="${texts.dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}${!namesApp && appName && ` · ${appName}`}</title>
<link rel="icon" href="${FAVICON}">
<style nonce="${nonce}">${style}${accentColor && accentRules(accentColor)}${brandRules(colors)}${rules}</style>
</head>
<body>
<main>
${logo(branding, namesApp) ?? icon}
<h1>${title}</h1>
${body}
</main>
${supportUrl && html`<footer><a href="${supportUrl}">${texts.support}</a></footer>`}
</body>
</html>
`
}

/** The logo, or the name of the app if the heading does not contain it. */
function logo({ appName, logoUrl, darkLogoUrl }: Branding, namesApp: boolean): Html | undefined {
  if (logoUrl === undefined)
    return appName === undefined || namesApp
      ? undefined
      : html`<p class="brand"><bdi>${appName}</bdi></p>`
  const dark =
    darkLogoUrl && html`<source srcset="${darkLogoUrl}" media="(prefers-color-scheme: dark)">`
  return html`<picture class="brand">${dark}<img src="${logoUrl}" alt="${appName ?? ''}"></picture>`
}

function icon(name: string, paths: Html): Html {
  return html`<svg class="sign ${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
 stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${paths}</svg>`
}

/** The icons above the heading, without a logo. */
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

/** A text whose placeholder is replaced; the value keeps its own direction. */
export function fill(texts: PageTexts, name: TextName, value: string): Html {
  const text = texts[name]
  const [placeholder = ''] = placeholdersOf(text)
  const [before, ...rest] = text.split(placeholder)
  return html`${before}${rest.map((part) => html`<bdi>${value}</bdi>${part}`)}`
}

/**
 * Returns a path or an http(s) URL. Throws a `TypeError` for any other URL, such as `javascript:`.
 */
export function webUrl(url: string): string {
  const isWeb = /^(?:https?:\/\/[^\t\r\n]*|\/(?:[^/\\\t\r\n][^\t\r\n]*)?)$/i.test(url)
  if (!isWeb) throw new TypeError('pages: a link must be a path or an http(s) URL')
  return url
}
