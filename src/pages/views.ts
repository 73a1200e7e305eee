import { ERROR_CODES, type OAuthErrorCode } from '../http/error-codes.js'
import { html, type Html } from './html.js'
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
import { brandRules, style } from './style.js'

/** The built-in pages. They need no script, and load nothing but icons from `imageOrigins`. */
export function pageViews(imageOrigins: readonly string[]) {
  return {
    signIn({ nonce, providers }: SignInContext): Html {
      const buttons = providers.map((provider, index) => {
        const url = webUrl(provider.url)
        return html`<li><a class="button provider" href="${url}">${glyph(provider, index)}<span
>Continue with <bdi>${provider.label}</bdi></span></a></li>`
      })
      const body = html`<p class="quiet">Choose how you want to sign in.</p>
<ul class="providers">${buttons}</ul>`
      return layout({
        nonce,
        sign: signs.lock,
        title: 'Sign in',
        body,
        colors: providers.map(({ color }) => color),
      })
    },

    error({
      nonce,
      code,
      message,
      providerMessage,
      audience,
      retryUrl,
      decisionId,
    }: ErrorContext): Html {
      const retry = code === 'login_required' ? 'Sign in' : 'Try again'
      const said = providerMessage?.slice(0, 512)
      const body = html`<p>${message}</p>
${said && html`<p class="quiet">The provider says:</p><blockquote dir="auto">${said}</blockquote>`}
${retryUrl && html`<div class="actions">${link(retryUrl, retry, 'primary')}</div>`}
${smallPrint(code, decisionId, audience === 'owner')}`
      const sign = code === 'login_required' ? signs.lock : signs.stop
      return layout({ nonce, sign, title: ERROR_CODES[code].title, body })
    },

    denied({
      nonce,
      code,
      message,
      user,
      retryUrl,
      anotherAccountUrl,
      logoutUrl,
      decisionId,
    }: DeniedContext): Html {
      const another = (kind: ButtonKind) => link(anotherAccountUrl, 'Use another account', kind)
      const retry = (kind: ButtonKind) => retryUrl && link(retryUrl, 'Try again', kind)
      const mayHelp = code === 'not_authorized' || !retryUrl
      const body = html`<p>${message}</p>
${user && account(user)}
<div class="actions">
${mayHelp ? [another('primary'), retry('plain')] : [retry('primary'), another('plain')]}
${link(logoutUrl, 'Sign out', 'plain')}
</div>
${smallPrint(code, decisionId, false)}`
      return layout({ nonce, sign: signs.stop, title: ERROR_CODES[code].title, body })
    },

    signedOut({ nonce, loginUrl }: SignedOutContext): Html {
      const body = html`<p>This application no longer knows you in this browser.</p>
<div class="actions">
${link(loginUrl, 'Sign in again', 'primary')}
</div>`
      return layout({ nonce, sign: signs.done, title: 'You are signed out', body })
    },

    confirmLogout({ nonce, confirmUrl, cancelUrl, user }: ConfirmLogoutContext): Html {
      const body = html`<p>Another site has sent you here to sign you out of this application.</p>
${user && account(user)}
<form class="actions" method="post" action="${webUrl(confirmUrl)}">
<button class="button primary" type="submit">Sign out</button>
${link(cancelUrl, 'Stay signed in', 'plain')}
</form>`
      return layout({ nonce, sign: signs.lock, title: 'Do you want to sign out?', body })
    },

    frame({ nonce, loginUrl }: FrameContext): Html {
      const body = html`<p>The login cannot be shown in this part of the page. It opens in the whole window.</p>
<div class="actions"><a class="button primary" href="${webUrl(loginUrl)}" target="_top">Sign in</a></div>
${smallPrint('login_required', undefined, false)}`
      return layout({ nonce, sign: signs.lock, title: ERROR_CODES.login_required.title, body })
    },

    continue({ nonce, url, message }: ContinueContext): Html {
      const body = html`<p>${message}</p><div class="actions">${link(url, 'Continue', 'primary')}</div>`
      return layout({ nonce, sign: signs.done, title: 'One more step', body })
    },
  }

  function glyph({ label, iconUrl }: SignInProvider, index: number): Html {
    const url = iconUrl !== undefined && URL.canParse(iconUrl) ? new URL(iconUrl) : undefined
    if (url?.protocol === 'https:' && imageOrigins.includes(url.origin)) {
      return html`<span class="glyph"><img src="${url.href}" alt="" referrerpolicy="no-referrer"></span>`
    }
    const letter = [...label.trim()][0]?.toUpperCase() ?? '?'
    return html`<span class="glyph brand-${index}" aria-hidden="true">${letter}</span>`
  }
}

interface Layout {
  nonce: string
  title: string
  sign: Html
  body: Html
  colors?: readonly (string | undefined)[]
}

function layout({ nonce, title, sign, body, colors = [] }: Layout): Html {
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
${sign}
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`
}

function drawing(kind: string, paths: Html): Html {
  return html`<svg class="sign ${kind}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
 stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${paths}</svg>`
}

const signs = {
  lock: drawing(
    'lock',
    html`<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
  ),
  done: drawing('done', html`<path d="M5 12.5l4.5 4.5L19 7.5"/>`),
  stop: drawing('stop', html`<path d="M12 4v10.5M12 19.5v.01"/>`),
}

type ButtonKind = 'primary' | 'plain'

function link(url: string, text: string, kind: ButtonKind): Html {
  return html`<a class="button ${kind}" href="${webUrl(url)}">${text}</a>`
}

/** Addresses here are our own; this makes a mistake elsewhere an error instead of a `javascript:` link. */
function webUrl(url: string): string {
  const isWeb = /^(?:https?:\/\/|\/(?![/\\]))[^\t\r\n]*$/i.test(url)
  if (!isWeb) throw new TypeError('pages: a link has to be a path or an http(s) URL')
  return url
}

function account({ name, email, username, provider }: PageUser): Html {
  const known = [name, email, username].filter((text) => text?.trim())
  const lines = known.map((text) => html`<bdi>${text}</bdi>`)
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
${decisionId && html`<p>Decision id <code>${decisionId}</code></p>`}
${isForOwner && html`<p>If you run this application, look up <code>${code}</code> in the README's troubleshooting.</p>`}
</div>`
}
