import { DIALOG_TEXTS } from '../pages/dialog-texts.js'
import { createDialogs } from './dialogs.js'
import { start } from './start-client.js'
import type { ClientOptions, ClientTexts, DialogColors, OAuthClient } from './types.js'

export type {
  ClientEventName,
  ClientOptions,
  ClientSession,
  ClientSettings,
  ClientTexts,
  ClientUser,
  DialogColors,
  OAuthClient,
} from './types.js'

/** The texts without the option `texts`. */
const ENGLISH: ClientTexts = {
  ...DIALOG_TEXTS,
  lang: 'en',
  dir: 'ltr',
  signIn: 'Sign in',
  signInAgain: 'Sign in again',
  staySignedIn: 'Stay signed in',
}

const COLORS: DialogColors = ['#1f2328', '#fff', '#eceef1', '#16181c']

declare global {
  /** The client of this page, if it has loaded `/auth/client.js` or called `startClient()`. */
  var oauthClient: OAuthClient | undefined
}

/**
 * Starts the client of the gate in this page, for apps that bundle it. Once: later calls return the
 * first client, also that of the script `/auth/client.js`.
 *
 * ```ts
 * import { startClient } from 'oauth-module/client'
 *
 * const client = startClient()
 * client.on('signout', (event) => console.log(event.detail.reason))
 * ```
 */
export function startClient(options: ClientOptions = {}): OAuthClient {
  const { basePath = '/auth', texts, colors = COLORS, ...settings } = options
  return (globalThis.oauthClient ??= start(basePath, settings, async (watch) =>
    createDialogs(watch, { ...ENGLISH, ...texts }, colors),
  ))
}
