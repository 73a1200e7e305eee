import type { DeniedContext, ErrorContext } from './contexts.js'
import { html, type Html } from './html.js'
import { type ButtonKind, icons, layout, link, type PageSetting } from './layout.js'
import { account, smallPrint } from './parts.js'

/** Explains an error, and offers what can help. */
export function error(context: ErrorContext, setting: PageSetting): Html {
  const { code, title, message, retryUrl, anotherProviderUrl, startUrl } = context
  const { texts } = setting
  const providerMessage = context.providerMessage?.slice(0, 512)
  const isSignIn = code === 'login_required'
  const body = html`<p>${message}</p>
${providerMessage && html`<p class="quiet">${texts.providerMessage}</p><blockquote dir="auto">${providerMessage}</blockquote>`}
<div class="actions">
${
  retryUrl === undefined
    ? link(startUrl, texts.startPage, 'primary')
    : link(retryUrl, isSignIn ? texts.signIn : texts.tryAgain, 'primary')
}
${anotherProviderUrl && link(anotherProviderUrl, texts.useAnotherProvider, 'plain')}
</div>
${smallPrint(setting, context)}`
  return layout(setting, { icon: isSignIn ? icons.lock : icons.stop, title, body })
}

/** Informs a user that the rules deny access, and offers another account. */
export function denied(context: DeniedContext, setting: PageSetting): Html {
  const { code, title, message, user, retryUrl } = context
  const { anotherAccountUrl, anotherProviderUrl, logoutUrl } = context
  const { texts } = setting
  const another = (kind: ButtonKind) => link(anotherAccountUrl, texts.useAnotherAccount, kind)
  const retry = (kind: ButtonKind) => retryUrl && link(retryUrl, texts.tryAgain, kind)
  const needsAnother = code === 'not_authorized' || !retryUrl
  const body = html`<p>${message}</p>
${user && account(setting, user)}
<div class="actions">
${needsAnother ? [another('primary'), retry('plain')] : [retry('primary'), another('plain')]}
${anotherProviderUrl && link(anotherProviderUrl, texts.useAnotherProvider, 'plain')}
${link(logoutUrl, texts.signOut, 'plain')}
</div>
${smallPrint(setting, context)}`
  return layout(setting, { icon: icons.stop, title, body })
}
