import type { ErrorAudience, OAuthErrorCode } from '../http/errors.js'
import type { Html, html } from './html.js'

/** What every page gets. All strings of a context are unescaped: put them in with `html`. */
export interface PageBasics {
  /** The template tag that escapes. */
  html: typeof html
  /** For `<style nonce="…">`; no other style and no script runs on the page. */
  nonce: string
}

/** One button of the sign-in page. */
export interface SignInProvider {
  name: string
  label: string
  iconUrl?: string | undefined
  /** As hex, with or without `#`. */
  color?: string | undefined
  /** Where the login with this provider begins. */
  url: string
}

export interface SignInContext extends PageBasics {
  providers: readonly SignInProvider[]
}

export interface ErrorContext extends PageBasics {
  code: OAuthErrorCode
  status: number
  message: string
  /** Foreign text, at most 512 characters. */
  providerMessage?: string | undefined
  audience: ErrorAudience
  retryUrl?: string | undefined
  decisionId?: string | undefined
}

/** Whom a page shows as signed in. Everything but `provider` is foreign text. */
export interface PageUser {
  name?: string | undefined
  email?: string | undefined
  username?: string | undefined
  /** The provider's label. */
  provider: string
}

export interface DeniedContext extends PageBasics {
  code: Extract<OAuthErrorCode, 'not_authorized' | 'email_unverified'>
  message: string
  user?: PageUser | undefined
  retryUrl?: string | undefined
  anotherAccountUrl: string
  logoutUrl: string
  decisionId?: string | undefined
}

export interface SignedOutContext extends PageBasics {
  loginUrl: string
}

export interface ConfirmLogoutContext extends PageBasics {
  /** Takes the POST. */
  confirmUrl: string
  cancelUrl: string
  user?: PageUser | undefined
}

/** The 401 inside a frame, where no provider lets itself be shown. */
export interface FrameContext extends PageBasics {
  loginUrl: string
}

/** The answer to a confirmed POST, which must not redirect to another site. */
export interface ContinueContext extends PageBasics {
  url: string
  message: string
}

/** Pages of the app's own instead of the built-in ones. */
export interface PagesOption {
  signIn?: ((context: SignInContext) => string | Html) | undefined
  error?: ((context: ErrorContext) => string | Html) | undefined
  denied?: ((context: DeniedContext) => string | Html) | undefined
  signedOut?: ((context: SignedOutContext) => string | Html) | undefined
}
