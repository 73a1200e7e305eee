import { html, type Html } from '../pages/html.js'
import { style } from '../pages/style.js'
import { initialOf, type Persona } from './personas.js'

const devStyle = html`
.provider { min-height: 4rem; }
.glyph { font-size: 1.25rem; }
@media (max-width: 24rem) {
  .glyph { width: 2.25rem; }
  .provider > :last-child { padding-inline: .625rem; }
}
.who { display: grid; gap: .125rem; font-weight: 400; }
.who b { font-weight: 600; }
.who span { color: var(--quiet); font-size: .875rem; }
.tags { display: flex; flex-wrap: wrap; gap: .25rem; padding-top: .25rem; }
.tags:empty { display: none; }
.tags > span { padding: 0 .5rem; border-radius: 1rem; background: var(--lock); color: var(--on-lock); font-size: .8125rem; }
.tags > .warning { background: var(--stop); color: var(--on-stop); }
h1:first-child { margin-top: 0; }
a.quiet { display: inline-block; padding: .75rem 0; }
a.quiet:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: .25rem; }
`

/** A complete page. `nonce` is that of the Content Security Policy of the response. */
function layout(nonce: string, title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · dev provider</title>
<style nonce="${nonce}">${style}${devStyle}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
<p class="small">A provider for development: it does not ask for a password, and runs on this computer only.</p>
</main>
</body>
</html>
`.toString()
}

/** The page to choose a persona. `path` is that of the interaction. */
export function personasPage(nonce: string, path: string, personas: readonly Persona[]): string {
  const entries = personas.map((persona) => {
    const tags = (persona.groups ?? []).map((group) => html`<span dir="auto">${group}</span>`)
    const isUnverified = persona.emailVerified === false
    return html`<li><a class="button provider" href="${path}?persona=${encodeURIComponent(persona.id)}"
><span class="glyph" aria-hidden="true">${initialOf(persona)}</span
><span class="who"><b dir="auto">${persona.name}</b> <span>${persona.email}</span>
<span class="tags">${isUnverified && html`<span class="warning">email not verified</span>`}${tags}</span></span></a></li>`
  })
  return layout(
    nonce,
    'Who do you want to be?',
    html`<p class="quiet">Choose a persona to sign in as.</p>
<ul class="providers">${entries}</ul>
<a class="quiet" href="${path}?deny">Deny: do not sign in</a>`,
  )
}

/**
 * Asks whether to sign out. The policy must not have `form-action`: the response redirects to
 * another site.
 */
export function logoutPage(nonce: string, action: string, xsrf: string): string {
  return layout(
    nonce,
    'Sign out here as well?',
    html`<p>At the next login, you choose a persona again.</p>
<form class="actions" method="post" action="${action}"><input type="hidden" name="xsrf" value="${xsrf}">
<button class="button primary" name="logout" value="yes">Sign out</button>
<button class="button">Stay signed in</button>
</form>`,
  )
}

/** A page with a message, such as an error. */
export function messagePage(nonce: string, title: string, message: string, code?: string): string {
  return layout(
    nonce,
    title,
    html`<p>${message}</p>${code && html`<p class="quiet">Code: <code>${code}</code></p>`}`,
  )
}

/** The picture of a persona: an SVG with the first letter of the name. */
export function pictureOf(persona: Persona): string {
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><rect width="96" height="96" fill="#3d4550"/>
<text x="48" y="64" font-family="system-ui, sans-serif" font-size="44" font-weight="700" text-anchor="middle" fill="#fff">${initialOf(
    persona,
  )}</text></svg>`.toString()
}
