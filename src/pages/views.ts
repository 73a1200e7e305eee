import type {
  ConfirmLogoutContext,
  ContinueContext,
  FrameContext,
  LostPageContext,
  SignedInContext,
  SignedOutContext,
  SignInContext,
} from './contexts.js'
import { html, type Html } from './html.js'
import { icons, layout, link, type PageSetting, webUrl } from './layout.js'
import { account, smallPrint } from './parts.js'
import { signInButton } from './sign-in-button.js'

/** Lets the user choose a provider. */
export function signIn({ providers }: SignInContext, setting: PageSetting): Html {
  const { texts, branding } = setting
  const title =
    branding.appName === undefined
      ? texts.signIn
      : texts.signInTo.replaceAll('{app}', () => branding.appName ?? '')
  const buttons = providers.map(
    (provider, index) => html`<li>${signInButton(setting, provider, index)}</li>`,
  )
  const body = html`<p class="quiet">${texts.chooseProvider}</p>
<ul class="providers">${buttons}</ul>`
  const colors = providers.map(({ color }) => color)
  return layout(setting, { icon: icons.lock, title, body, colors })
}

/** Confirms that the user is signed out. */
export function signedOut({ loginUrl }: SignedOutContext, setting: PageSetting): Html {
  const { texts } = setting
  const body = html`<p>${texts.signedOut}</p>
<div class="actions">
${link(loginUrl, texts.signInAgain, 'primary')}
</div>`
  return layout(setting, { icon: icons.done, title: texts.signedOutTitle, body })
}

/** Asks for confirmation, because the request came from another site. */
export function confirmLogout(context: ConfirmLogoutContext, setting: PageSetting): Html {
  const { confirmUrl, cancelUrl, user } = context
  const { texts } = setting
  const body = html`<p>${texts.confirmSignOut}</p>
${user && account(setting, user)}
<form class="actions" method="post" action="${webUrl(confirmUrl)}">
<button class="button primary" type="submit">${texts.signOut}</button>
${link(cancelUrl, texts.staySignedIn, 'plain')}
</form>`
  return layout(setting, { icon: icons.lock, title: texts.confirmSignOutTitle, body })
}

/** Links to a login in the top-level window. */
export function frame({ loginUrl }: FrameContext, setting: PageSetting): Html {
  const { texts } = setting
  const body = html`<p>${texts.frame}</p>
<div class="actions"><a class="button primary" href="${webUrl(loginUrl)}" target="_top">${texts.signIn}</a></div>
${smallPrint(setting, { code: 'login_required' })}`
  return layout(setting, { icon: icons.lock, title: texts.errors.login_required.title, body })
}

/** Links to another site, where a redirect is not possible. */
export function continueElsewhere({ url, message }: ContinueContext, setting: PageSetting): Html {
  return explanation(setting, setting.texts.oneMoreStep, message, url)
}

/** Explains what a login could not return to. */
export function lostPage({ url, message }: LostPageContext, setting: PageSetting): Html {
  return explanation(setting, setting.texts.signedInTitle, message, url)
}

/**
 * Closes its window, and informs the page that opened it: by a channel, because browsers separate
 * the windows. (Cross-Origin-Opener-Policy)
 */
export function signedIn({ startUrl }: SignedInContext, setting: PageSetting): Html {
  const { texts, nonce } = setting
  const body = html`<p>${texts.closeWindow}</p>
<div class="actions">${link(startUrl, texts.startPage, 'plain')}</div>
<script nonce="${nonce}">new BroadcastChannel('oauth-module').postMessage(true); close()</script>`
  return layout(setting, { icon: icons.done, title: texts.signedInTitle, body })
}

/** Explains what has happened, with a link to continue. */
function explanation(
  setting: PageSetting,
  title: string,
  message: (ContinueContext | LostPageContext)['message'],
  url: string,
): Html {
  const { texts } = setting
  const body = html`<p>${texts[message]}</p><div class="actions">${link(url, texts.continue, 'primary')}</div>`
  return layout(setting, { icon: icons.done, title, body })
}
