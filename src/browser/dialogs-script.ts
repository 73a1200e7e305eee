import { createDialogs } from './dialogs.js'
import type { Dialogs } from './lazy-dialogs.js'
import type { SessionWatch } from './session-watch.js'
import type { ClientTexts, DialogColors } from './types.js'

/** What the gate writes in front of the script. */
declare const texts: ClientTexts
declare const colors: DialogColors

/** The module `/auth/client.js?dialogs`. */
export default (watch: SessionWatch): Dialogs => createDialogs(watch, texts, colors)
