import { guardForms } from './guard-forms.js'
import { type Dialogs, LazyDialogs } from './lazy-dialogs.js'
import { leave, restoreFragment } from './leave.js'
import { repeatingFetch } from './repeat-fetch.js'
import { SessionWatch } from './session-watch.js'
import type { ClientSettings, OAuthClient } from './types.js'
import { watchXhr } from './watch-xhr.js'

/** Watches the session, and replaces `fetch` of the page. */
export function start(
  basePath: string,
  settings: ClientSettings,
  loadDialogs: (watch: SessionWatch) => Promise<Dialogs>,
): OAuthClient {
  const nativeFetch = fetch.bind(window)
  const watch = new SessionWatch(basePath, nativeFetch, settings)
  const dialogs = new LazyDialogs(watch, loadDialogs)
  window.fetch = repeatingFetch({ nativeFetch, watch, dialogs, settings })
  watchXhr(dialogs)
  restoreFragment()
  guardForms(watch, dialogs)
  const logoutPath = `${basePath}/logout`
  addEventListener('click', ({ target }) => {
    const link = target instanceof Element && target.closest('a')
    if (link && link.pathname === logoutPath) watch.announceSignOut()
  })
  return {
    signIn: () => dialogs.signIn(),
    async signInHere() {
      await watch.read()
      leave(watch.loginUrl)
    },
    signOut() {
      watch.announceSignOut()
      location.assign(logoutPath)
    },
    session: () => watch.read(),
    on(name, listener) {
      const { events } = watch
      const typed = listener as (event: Event) => void
      events.addEventListener(name, typed)
      return () => events.removeEventListener(name, typed)
    },
    configure: (changed) => void Object.assign(settings, changed),
  }
}
