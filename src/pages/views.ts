import { ERROR_CODES, type OAuthErrorCode } from '../http/error-codes.js'
import type {
  ConfirmLogoutContext,
  ContinueContext,
  DeniedContext,
  ErrorContext,
  FrameContext,
  PageUser,
  SignedOutContext,
  SignInContext,
  SignInProvider,
} from './contexts.js'
import { html, type Html } from './html.js'
import { type ButtonKind, icons, layout, link, webUrl } from './layout.js'

/**
 * Lets the user choose a provider. Shows icons only from `iconOrigins`, as the page's policy does.
 */
export function signIn(
  { nonce, providers }: SignInContext,
  iconOrigins: readonly string[] = [],
): Html {
  const buttons = providers.map((provider, index) => {
    const url = webUrl(provider.url)
    return html`<li><a class="button provider" href="${url}">${glyph(provider, index, iconOrigins)}<span
>Continue with <bdi>${provider.label}</bdi></span></a></li>`
  })
  const body = html`<p class="quiet">Choose how you want to sign in.</p>
<ul class="providers">${buttons}</ul>`
  const colors = providers.map(({ color }) => color)
  return layout({ nonce, icon: icons.lock, title: 'Sign in', body, colors })
}

function glyph(
  { label, iconUrl }: SignInProvider,
  index: number,
  iconOrigins: readonly string[],
): Html {
  const url = iconUrl !== undefined && URL.canParse(iconUrl) ? new URL(iconUrl) : undefined
  if (url?.protocol === 'https:' && iconOrigins.includes(url.origin)) {
    return html`<span class="glyph"><img src="${url.href}" alt="" referrerpolicy="no-referrer"></span>`
  }
  const [letter = '?'] = label.trim()
  return html`<span class="glyph brand-${index}" aria-hidden="true">${letter.toUpperCase()}</span>`
}

/** Explains an error, and offers to try again where that can help. */
export function error(context: ErrorContext): Html {
  const { nonce, code, message, audience, retryUrl, decisionId } = context
  const isSignIn = code === 'login_required'
  const providerMessage = context.providerMessage?.slice(0, 512)
  const body = html`<p>${message}</p>
${providerMessage && html`<p class="quiet">Message from the provider:</p><blockquote dir="auto">${providerMessage}</blockquote>`}
${retryUrl && html`<div class="actions">${link(retryUrl, isSignIn ? 'Sign in' : 'Try again', 'primary')}</div>`}
${smallPrint(code, decisionId, audience === 'owner')}`
  const icon = isSignIn ? icons.lock : icons.stop
  return layout({ nonce, icon, title: ERROR_CODES[code].title, body })
}

/** Informs a user that the rules deny access, and offers another account. */
export function denied(context: DeniedContext): Html {
  const { nonce, code, message, user, retryUrl, anotherAccountUrl, logoutUrl, decisionId } = context
  const another = (kind: ButtonKind) => link(anotherAccountUrl, 'Use another account', kind)
  const retry = (kind: ButtonKind) => retryUrl && link(retryUrl, 'Try again', kind)
  const needsAnother = code === 'not_authorized' || !retryUrl
  const body = html`<p>${message}</p>
${user && account(user)}
<div class="actions">
${needsAnother ? [another('primary'), retry('plain')] : [retry('primary'), another('plain')]}
${link(logoutUrl, 'Sign out', 'plain')}
</div>
${smallPrint(code, decisionId, false)}`
  return layout({ nonce, icon: icons.stop, title: ERROR_CODES[code].title, body })
}

/** Confirms that the user is signed out. */
export function signedOut({ nonce, loginUrl }: SignedOutContext): Html {
  const body = html`<p>Your session in this browser has ended.</p>
<div class="actions">
${link(loginUrl, 'Sign in again', 'primary')}
</div>`
  return layout({ nonce, icon: icons.done, title: 'You are signed out', body })
}

/** Asks for confirmation, because the request came from another site. */
export function confirmLogout(context: ConfirmLogoutContext): Html {
  const { nonce, confirmUrl, cancelUrl, user } = context
  const body = html`<p>Another site sent you here to sign you out of this application.</p>
${user && account(user)}
<form class="actions" method="post" action="${webUrl(confirmUrl)}">
<button class="button primary" type="submit">Sign out</button>
${link(cancelUrl, 'Stay signed in', 'plain')}
</form>`
  return layout({ nonce, icon: icons.lock, title: 'Do you want to sign out?', body })
}

/** Links to a login in the top-level window. */
export function frame({ nonce, loginUrl }: FrameContext): Html {
  const code = 'login_required'
  const body = html`<p>Sign-in cannot be shown in this part of the page. It opens in the full window.</p>
<div class="actions"><a class="button primary" href="${webUrl(loginUrl)}" target="_top">Sign in</a></div>
${smallPrint(code, undefined, false)}`
  return layout({ nonce, icon: icons.lock, title: ERROR_CODES[code].title, body })
}

/** Links to another site, where a redirect is not possible. */
export function continueElsewhere({ nonce, url, message }: ContinueContext): Html {
  const body = html`<p>${message}</p><div class="actions">${link(url, 'Continue', 'primary')}</div>`
  return layout({ nonce, icon: icons.done, title: 'One more step', body })
}

function account({ name, email, username, provider }: PageUser): Html {
  const names = [name, email, username].filter((value) => value?.trim())
  const lines = names.map((value) => html`<bdi>${value}</bdi>`)
  return html`<p class="quiet">Signed in with <bdi>${provider}</bdi> as</p>
<div class="account">${lines.length > 0 ? lines : html`<span>an account without a name</span>`}</div>`
}

function smallPrint(
  code: OAuthErrorCode,
  decisionId: string | undefined,
  isForOwner: boolean,
): Html {
  return html`<div class="small">
<p>Error code <code>${code}</code></p>
${decisionId && html`<p>Decision ID <code>${decisionId}</code></p>`}
${isForOwner && html`<p>If you run this application, look up <code>${code}</code> in the README's troubleshooting section.</p>`}
</div>`
}
