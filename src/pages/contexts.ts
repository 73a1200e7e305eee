import type { ErrorAudience, OAuthErrorCode } from '../http/error-codes.js'
import type { VendorMark } from '../oauth/definition.js'
import type { Branding } from './branding.js'
import type { Html, html } from './html.js'
import type { TextName } from './texts.js'

/** The context of every page. Its strings are not escaped: insert them with `html`. */
export interface PageBasics {
  /** The template tag that escapes inserted values. */
  html: typeof html
  /** For `<style nonce="…">`. The page's policy allows no other inline styles, and no scripts. */
  nonce: string
  /** Language tag of the page, by the option `texts`. */
  lang: string
  /** Direction of the text in that language. */
  dir: 'ltr' | 'rtl'
  /** The option `branding`. */
  branding: Branding
}

/** One button of the sign-in page. */
export interface SignInProvider {
  /** The key in the `provider` option. */
  name: string
  /** The display name: the `displayName` option, or the vendor's name. */
  label: string
  /** URL of the icon. The page's policy allows images from its origin. */
  iconUrl?: string | undefined
  /** The vendor, if it is one of the eight, for your own icon. */
  mark?: VendorMark | undefined
  /** Background of the icon in hexadecimal, with or without `#`. */
  color?: string | undefined
  /** Where a login with this provider starts. */
  url: string
}

/** The page that lets the user choose a provider. */
export interface SignInContext extends PageBasics {
  /** In the order of the `provider` option. */
  providers: readonly SignInProvider[]
}

/** What the pages of errors and of denials have in common. */
interface FailureContext extends PageBasics {
  /** The heading, in the language of the page. */
  title: string
  /** Explains the error to the user, in the language of the page. */
  message: string
  /** Where the user can choose another provider. Absent if there is only one. */
  anotherProviderUrl?: string | undefined
  /** Identifies the decision in the log and in the event `denied`. */
  decisionId?: string | undefined
  /**
   * For the developer: the hint of the log. Only outside production, if the public host is this
   * machine and no proxy has passed the request on.
   */
  hint?: string | undefined
}

/** The page for every error except a denial by the rules. */
export interface ErrorContext extends FailureContext {
  /** Stable: use it to tell errors apart. */
  code: OAuthErrorCode
  /** The HTTP status of the response. */
  status: number
  /** What the provider reported: external text of at most 512 characters. */
  providerMessage?: string | undefined
  /** Who can fix the error. */
  audience: ErrorAudience
  /** Where the user can try again. Absent if that cannot help. */
  retryUrl?: string | undefined
  /** The start page of the app. */
  startUrl: string
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
export interface DeniedContext extends FailureContext {
  /** `email_unverified` if a verified email address would help. */
  code: Extract<OAuthErrorCode, 'not_authorized' | 'email_unverified'>
  /** Who is signed in at the provider. */
  user?: PageUser | undefined
  /** Where the user can try again with the same account. */
  retryUrl?: string | undefined
  /** Where the user can sign in with another account. */
  anotherAccountUrl: string
  /** Where the user can sign out. */
  logoutUrl: string
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
  /** The text that explains the next step. */
  message: TextName
}

/** Explains after a login what the login could not return to. */
export interface LostPageContext extends PageBasics {
  /** Where the user continues. */
  url: string
  /** The text that explains what was lost, and what to do. */
  message: TextName
}

/** A device on which the user is signed in. Times are in milliseconds. */
export interface Device {
  /** The public ID of the session. */
  id: string
  /** Whether it shows the page. */
  isCurrent: boolean
  /** Name of the browser, by its `User-Agent`: external text. */
  browser: string | null
  /** Name of the operating system. */
  system: string | null
  /** Such as `Desktop` or `Mobile`. */
  deviceType: string | null
  /** Address of the login. */
  ipAddress: string | null
  /** Whether the session is bound to the device: see the option `deviceBound`. */
  isDeviceBound: boolean
  /** When the user signed in. */
  createdAt: number
  /** When it was last used. */
  lastActive: number
}

/** The devices on which a user is signed in. */
export interface DevicesContext extends PageBasics {
  /** The one that shows the page first, then the newest. */
  devices: readonly Device[]
  /** Where to send the POST requests that sign out. */
  formUrl: string
  /** The field `token` of these requests. */
  token: string
  /** The value of the field `session` that signs out everywhere. */
  everywhere: string
  /** The start page of the app. */
  startUrl: string
  /** The time of the page. */
  now: number
}

/** Closes the window in which the user has signed in for another one. */
export interface SignedInContext extends PageBasics {
  /** The start page of the app, if the window cannot be closed. */
  startUrl: string
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
