import type { ErrorAudience, OAuthErrorCode } from '../http/error-codes.js'
import type { Html, html } from './html.js'

/** The context of every page. Its strings are not escaped: insert them with `html`. */
export interface PageBasics {
  /** The template tag that escapes inserted values. */
  html: typeof html
  /** For `<style nonce="…">`. The page's policy allows no other styles, and no scripts. */
  nonce: string
}

/** One button of the sign-in page. */
export interface SignInProvider {
  /** The key in the `provider` option. */
  name: string
  /** The display name: the `displayName` option, or the vendor's name. */
  label: string
  /** URL of the icon. The page's policy allows images from its origin. */
  iconUrl?: string | undefined
  /** The brand color in hexadecimal, with or without `#`. */
  color?: string | undefined
  /** Where a login with this provider starts. */
  url: string
}

/** The page that lets the user choose a provider. */
export interface SignInContext extends PageBasics {
  /** In the order of the `provider` option. */
  providers: readonly SignInProvider[]
}

/** The page for every error except a denial by the rules. */
export interface ErrorContext extends PageBasics {
  /** Stable: use it to tell errors apart. */
  code: OAuthErrorCode
  /** The HTTP status of the response. */
  status: number
  /** Explains the error to the user. */
  message: string
  /** What the provider reported: external text of at most 512 characters. */
  providerMessage?: string | undefined
  /** Who can fix the error. */
  audience: ErrorAudience
  /** Where the user can try again. Absent if that cannot help. */
  retryUrl?: string | undefined
  /** Identifies the decision in the log and in the event `denied`. */
  decisionId?: string | undefined
}

/** The user that a page shows as signed in. All fields except `provider` are external text. */
export interface PageUser {
  /** The full name. */
  name?: string | undefined
  /** The email address, verified or not. */
  email?: string | undefined
  /** The name of the account at the provider. */
  username?: string | undefined
  /** The provider's display name. */
  provider: string
}

/** The 403 page for a user that the rules deny. */
export interface DeniedContext extends PageBasics {
  /** `email_unverified` if a verified email address would help. */
  code: Extract<OAuthErrorCode, 'not_authorized' | 'email_unverified'>
  /** Explains the denial to the user. */
  message: string
  /** Who is signed in at the provider. */
  user?: PageUser | undefined
  /** Where the user can try again with the same account. */
  retryUrl?: string | undefined
  /** Where the user can sign in with another account. */
  anotherAccountUrl: string
  /** Where the user can sign out. */
  logoutUrl: string
  /** Identifies the decision in the log and in the event `denied`. */
  decisionId?: string | undefined
}

/** The page after signing out. */
export interface SignedOutContext extends PageBasics {
  /** Where a new login starts. */
  loginUrl: string
}

/** Asks before signing out, because the request came from another site. */
export interface ConfirmLogoutContext extends PageBasics {
  /** Where to send the POST request that confirms. */
  confirmUrl: string
  /** Where to go instead of signing out. */
  cancelUrl: string
  /** Who is signed in. */
  user?: PageUser | undefined
}

/** The 401 page inside a frame. Providers do not allow their pages in frames. */
export interface FrameContext extends PageBasics {
  /** Where a login starts, in the top-level window. */
  loginUrl: string
}

/** Responds to a POST request that must not redirect to another site (CSP `form-action`). */
export interface ContinueContext extends PageBasics {
  /** Where the user continues. */
  url: string
  /** Explains the next step to the user. */
  message: string
}

/**
 * Pages of your app that replace the built-in ones. If a page throws or returns anything else, the
 * built-in page is sent and the error is logged.
 */
export interface PagesOption {
  /** Lets the user choose a provider, if there are several. */
  signIn?: ((context: SignInContext) => string | Html) | undefined
  /** Shows an error. */
  error?: ((context: ErrorContext) => string | Html) | undefined
  /** Informs a user that the rules deny access. */
  denied?: ((context: DeniedContext) => string | Html) | undefined
  /** Shows that the user is signed out. */
  signedOut?: ((context: SignedOutContext) => string | Html) | undefined
}
