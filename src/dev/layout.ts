import { html, type Html } from '../pages/html.js'
import { FAVICON } from '../pages/marks.js'
import { style } from '../pages/style.js'
import { avatarUri } from './avatars.js'

const devStyle = html`
.person { border-color: var(--line); gap: .875rem; min-height: 4rem; padding: .625rem .875rem; }
.person .glyph { width: 2.75rem; height: 2.75rem; border-radius: 50%; }
.person img { display: block; width: 100%; height: 100%; }
.who { display: grid; gap: .0625rem; font-weight: 400; }
.who b { font-weight: 600; }
.who > span { color: var(--quiet); font-size: .875rem; }
.tags { display: flex; flex-wrap: wrap; gap: .25rem; padding-top: .25rem; }
.tags:empty { display: none; }
.tags > span { padding: 0 .5rem; border-radius: 1rem; background: var(--lock); color: var(--on-lock); font-size: .8125rem; }
.tags > .warning { background: var(--stop); color: var(--on-stop); }
.deny { margin-top: 1rem; }
.small { text-align: start; }
`

/** A page on this machine, in the design of the gate's pages. */
export interface DevPage {
  /** Of the Content Security Policy of the response. */
  readonly nonce: string
  readonly title: string
  readonly body: Html
  /** Who serves the page, in the title of the window. */
  readonly site: string
  /** Explains the page to developers. */
  readonly note: string
}

/** A complete page. */
export function devLayout({ nonce, title, body, site, note }: DevPage): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ${site}</title>
<link rel="icon" href="${FAVICON}">
<style nonce="${nonce}">${style}${devStyle}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
<p class="small">${note}</p>
</main>
</body>
</html>
`.toString()
}

/** The Content Security Policy of a page. Without `form-action`: responses redirect to the app. */
export function devPolicy(nonce: string): string {
  return `default-src 'none'; style-src 'nonce-${nonce}'; img-src data:; base-uri 'none'; frame-ancestors 'none'`
}

/** A user that a page offers. */
export interface Person {
  readonly id: string
  readonly name: string
  readonly detail: string
  /** Labels below the name. */
  readonly tags?: readonly Html[]
  /** Where the user signs in. */
  readonly url: string
}

/** Links to sign in as one of several users. */
export function personList(people: readonly Person[]): Html {
  const items = people.map(
    ({ id, name, detail, tags = [], url }) =>
      html`<li><a class="button provider person" href="${url}"
><span class="glyph"><img src="${avatarUri(id)}" alt=""></span
><span class="who"><b dir="auto">${name}</b> <span>${detail}</span>
<span class="tags">${tags}</span></span></a></li>`,
  )
  return html`<ul class="providers">${items}</ul>`
}
