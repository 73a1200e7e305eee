import type { SignInProvider } from './contexts.js'
import { html, type Html } from './html.js'
import { fill, type PageSetting, webUrl } from './layout.js'
import { markOf, neutralMark } from './marks.js'

/** The button of a provider: its icon, and a label with its name. */
export function signInButton(
  { texts, iconOrigins }: PageSetting,
  provider: SignInProvider,
  index: number,
): Html {
  const label = fill(texts, 'signInWith', provider.label)
  return html`<a class="button provider ${provider.mark}" href="${webUrl(provider.url)}">${glyph(
    provider,
    index,
    iconOrigins,
  )}<span>${label}</span></a>`
}

/** Shows icons only from `iconOrigins`, as the page's policy does. */
function glyph(
  { mark, iconUrl, color }: SignInProvider,
  index: number,
  iconOrigins: readonly string[],
): Html {
  const url = iconUrl !== undefined && URL.canParse(iconUrl) ? new URL(iconUrl) : undefined
  if (url?.protocol === 'https:' && iconOrigins.includes(url.origin))
    return html`<span class="glyph image"><img src="${url.href}" alt=""></span>`
  if (mark !== undefined) return html`<span class="glyph">${markOf(mark)}</span>`
  return html`<span class="glyph neutral ${color && `brand-${index}`}">${neutralMark}</span>`
}
