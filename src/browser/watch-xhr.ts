import type { LazyDialogs } from './lazy-dialogs.js'
import { isOfGate } from './repeat-fetch.js'

/** Has the user sign in when the gate rejects an `XMLHttpRequest`. The app repeats it. */
export function watchXhr(dialogs: LazyDialogs): void {
  const { prototype } = XMLHttpRequest
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the request
  const { send } = prototype
  prototype.send = function (body) {
    this.addEventListener('load', () => {
      const { responseURL, status } = this
      if (status === 401 && responseURL.startsWith(`${location.origin}/`))
        if (isOfGate(this.getResponseHeader('www-authenticate'))) void dialogs.signIn('')
    })
    send.call(this, body)
  }
}
