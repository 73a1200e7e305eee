import { html } from '../../pages/html.js'
import type { Confirmation } from './actions.js'
import type { PageRequest, Screen } from './screen.js'

/** The name of the form's field with the token. */
export const TOKEN_FIELD = 'token'

/** Asks for confirmation. `path` is that of the action, and what its token is bound to. */
export function confirmScreen(
  confirmation: Confirmation,
  { visit }: PageRequest,
  path: string,
): Screen {
  const { title, section, breadcrumbs, subject, effect, button, isDangerous, returnTo } =
    confirmation
  const kind = isDangerous ? 'danger solid' : 'primary'
  return {
    title,
    section,
    breadcrumbs,
    body: html`<div class="narrow">
<p>${effect}</p>
<div class="card">${subject}</div>
<form class="buttons" method="post" action="${visit.basePath}${path}">
<input type="hidden" name="${TOKEN_FIELD}" value="${visit.formToken(path)}">
<button class="button ${kind}" type="submit">${button}</button>
<a class="button" href="${visit.basePath}${returnTo}">Cancel</a>
</form>
</div>`,
  }
}
