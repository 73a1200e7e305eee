import { html, type Html } from '../pages/html.js'
import { devLayout, personList } from './layout.js'
import type { Persona } from './personas.js'

function layout(nonce: string, title: string, body: Html): string {
  const note =
    'A provider for development: it does not ask for a password, and runs on this computer only.'
  return devLayout({ nonce, title, body, site: 'dev provider', note })
}

/** The page to choose a persona. `path` is that of the interaction. */
export function personasPage(nonce: string, path: string, personas: readonly Persona[]): string {
  const people = personas.map(({ id, name, email, emailVerified, groups = [] }) => ({
    id,
    name,
    detail: email,
    tags: [
      ...(emailVerified === false ? [html`<span class="warning">email not verified</span>`] : []),
      ...groups.map((group) => html`<span dir="auto">${group}</span>`),
    ],
    url: `${path}?persona=${encodeURIComponent(id)}`,
  }))
  return layout(
    nonce,
    'Who do you want to be?',
    html`<p class="quiet">Choose a persona to sign in as.</p>
${personList(people)}
<a class="button deny" href="${path}?deny">Deny: do not sign in</a>`,
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
    html`<p>Next time, you choose a persona again.</p>
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
