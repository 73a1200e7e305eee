import type { LazyDialogs } from './lazy-dialogs.js'
import { FORM_KEY, isKept } from './leave.js'
import type { SessionWatch } from './session-watch.js'

/** Has the user sign in before a form with `data-oauth-keep` is sent without a session. */
export function guardForms(watch: SessionWatch, dialogs: LazyDialogs): void {
  /** Forms whose submission has been checked. */
  const checked = new WeakSet<HTMLFormElement>()
  const isReady = async (form: HTMLFormElement, submitter: HTMLElement | null) => {
    const session = await watch.read()
    // If the server cannot be reached, the browser reports that better.
    return !session || watch.isSignedIn || (await dialogs.get())?.submit(form, submitter)
  }
  const listen = (event: SubmitEvent) => {
    const { target: form, submitter } = event
    if (!(form instanceof HTMLFormElement)) return
    if (!form.matches('[data-oauth-keep][method=post i]') || checked.delete(form)) return
    event.preventDefault()
    event.stopImmediatePropagation()
    void isReady(form, submitter).then((sends) => {
      if (!sends) return
      checked.add(form)
      form.requestSubmit(submitter)
    })
  }
  // Before the listeners of the page, which see the submission once.
  addEventListener('submit', listen, true)
  if (isKept(FORM_KEY))
    void watch.ready.then(() => dialogs.get()).then((loaded) => loaded?.restore())
}
