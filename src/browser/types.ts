import type { DialogTexts } from '../pages/dialog-texts.js'

/** The user of a session: what the app sees as `req.user`, as JSON. */
export interface ClientUser {
  /** `provider:id`. Identifies the user. */
  readonly key: string
  /** The provider's own ID. */
  readonly id: string
  /** The name of the provider. */
  readonly provider: string
  /** The full name. */
  readonly name?: string
  /** The email address. */
  readonly email?: string
  /** Whether the provider has verified the email address. */
  readonly emailVerified?: boolean
  /** The name of the account at the provider. */
  readonly username?: string
  /** URL of a picture. */
  readonly picture?: string
}

/** The response of `/auth/session`. Times are in milliseconds of the server's clock. */
export interface ClientSession {
  /** `null` without a session, and if the rules deny the user. */
  readonly user: ClientUser | null
  /** Why the user is absent. */
  readonly reason: 'none' | 'expired' | 'revoked' | 'denied' | null
  /** When the session ends; `null` without a limit. */
  readonly expiresAt: number | null
  /** When the session ends without activity; `null` without a limit. */
  readonly idleExpiresAt: number | null
  /** When a request causes the next check of the user; `null` if none is due. */
  readonly checkDueAt: number | null
  /** Where a login starts that returns to this page. */
  readonly loginUrl: string
}

/**
 * What happens to the session of this page, in this tab or another one. `preventDefault()` on the
 * event suppresses what the script would show.
 *
 * - `signin`: the user has signed in again, or an anonymous one for the first time.
 * - `signout`: the session has ended.
 * - `expiring`: the session ends within `warnBefore` seconds.
 * - `userchange`: another user has signed in. This page still shows the previous one.
 */
export type ClientEventName = 'signin' | 'signout' | 'expiring' | 'userchange'

/** The texts of the dialogs: members of the type `PageTexts` of the package. */
export interface ClientTexts extends DialogTexts {
  /** Language tag of the texts. */
  lang: string
  /** Direction of the texts. */
  dir: 'ltr' | 'rtl'
  /** Button that opens the sign-in window. */
  signIn: string
  /** Heading: an action requires a new login. */
  signInAgain: string
  /** Button that keeps the session. */
  staySignedIn: string
}

/** What can be changed at any time. */
export interface ClientSettings {
  /**
   * Whether requests with methods such as POST are repeated as well: `true`, or a function that
   * decides by method and URL. The gate rejected the first one before the app received it. Default:
   * `false`, only GET and HEAD.
   */
  repeatUnsafe?: boolean | ((method: string, url: string) => boolean)
  /** How long before the end of the session the user is warned, in seconds. Default 60; 0: never. */
  warnBefore?: number
}

/** Background and text of the main button, light and then dark, as CSS colors. */
export type DialogColors = readonly [string, string, string, string]

/** Options of {@link startClient}. The script that the gate serves gets them from the gate. */
export interface ClientOptions extends ClientSettings {
  /** The path of the special paths as the browser sees it, with that of the mount. Default `/auth`. */
  basePath?: string
  /** Other texts. Default: English. */
  texts?: Partial<ClientTexts>
  /** Background and text of the main button, light and then dark, as CSS colors. */
  colors?: DialogColors
}

/** What the script offers to the app: `window.oauthClient`, or the result of {@link startClient}. */
export interface OAuthClient {
  /**
   * Asks the user to sign in, in a dialog. Resolves to `true` as soon as the user of this page has a
   * session, at once if that is so already; `false` if the user cancels or another user signs in.
   */
  signIn(): Promise<boolean>
  /** Signs in on this page, without a dialog, and returns to it, with its `#fragment`. */
  signInHere(): Promise<void>
  /** Leaves the page to sign out. The other tabs learn of it. */
  signOut(): void
  /** Reads the session. Does not count as activity. `undefined` if the server cannot be reached. */
  session(): Promise<ClientSession | undefined>
  /** Calls `listener` for each such event. Returns a function that ends this. */
  on(name: ClientEventName, listener: (event: CustomEvent<ClientSession>) => void): () => void
  /** Changes settings. */
  configure(settings: ClientSettings): void
}
