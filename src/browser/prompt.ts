import type { Dialogs } from './lazy-dialogs.js'
import type { Dialog } from './dialog.js'
import { leave } from './leave.js'
import type { Change, SessionWatch } from './session-watch.js'
import type { ClientSession, ClientTexts } from './types.js'

/** How often the session is read while the user signs in, for browsers without the channel. */
const POLL_MS = 2_000

/** What a dialog is about. */
type Shown = 'signIn' | 'notice' | 'reload' | 'form'

/** Asks the user: to sign in again, to stay signed in, to reload the page, to send a form. */
export class Prompt implements Pick<Dialogs, 'signIn' | 'react'> {
  readonly #watch: SessionWatch
  readonly #dialog: Dialog
  readonly #texts: ClientTexts
  #pending: Promise<boolean> | undefined
  #settle: ((isSignedIn: boolean) => void) | undefined
  /** How many requests wait for the user. */
  #waiting = 0
  /** What the dialog shows. */
  #shown: Shown | undefined

  constructor(watch: SessionWatch, dialog: Dialog, texts: ClientTexts) {
    this.#watch = watch
    this.#dialog = dialog
    this.#texts = texts
  }

  /**
   * Resolves when the user of this page has signed in (`true`), or does not want to or is another
   * one. With `loginUrl`, although there is a session. Rejects when `signal` aborts.
   */
  async signIn(loginUrl?: string, signal?: AbortSignal | null): Promise<boolean> {
    this.#waiting++
    try {
      this.#pending ??= this.#ask(loginUrl).finally(() => (this.#pending = undefined))
      return await Promise.race([this.#pending, rejectionBy(signal)])
    } finally {
      if (--this.#waiting === 0 && this.#pending) this.#close(false)
    }
  }

  /** Asks whether to send a form. */
  confirm(): Promise<boolean> {
    const { sendFormTitle, sendForm, send } = this.#texts
    return new Promise((resolve) => {
      const end = (isConfirmed: boolean) => {
        this.#close(false)
        resolve(isConfirmed)
      }
      this.#show(
        'form',
        [sendFormTitle, sendForm, send],
        () => end(true),
        () => end(false),
      )
    })
  }

  async #ask(loginUrl: string | undefined): Promise<boolean> {
    const watch = this.#watch
    await watch.ready
    watch.distrustIfUnknown()
    const session = await watch.read()
    // Another user has signed in, or, unless a guard wants a new login, this one already has.
    if (session?.user && (!watch.isSignedIn || !loginUrl)) return watch.isSignedIn
    const timer = setInterval(() => void watch.read(), POLL_MS)
    const { sessionEndedTitle, signInAgain, sessionEnded } = this.#texts
    return new Promise<boolean>((resolve) => {
      this.#settle = resolve
      const title = session?.user ? signInAgain : sessionEndedTitle
      this.#askToSignIn(loginUrl || watch.loginUrl, title, sessionEnded)
    }).finally(() => clearInterval(timer))
  }

  #askToSignIn(loginUrl: string, title: string, text: string, isBlocked = false): void {
    this.#show('signIn', [title, text, this.#texts.signIn], () =>
      isBlocked ? leave(loginUrl) : this.#open(loginUrl, title),
    )
  }

  /** Opens the sign-in window. Browsers allow that only in response to a click. */
  #open(loginUrl: string, title: string): void {
    const { signInElsewhere, windowBlocked } = this.#texts
    const url = `${loginUrl}${loginUrl.includes('?') ? '&' : '?'}popup=1`
    const isBlocked = open(url, '_blank', 'popup,width=500,height=700') === null
    this.#askToSignIn(loginUrl, title, isBlocked ? windowBlocked : signInElsewhere, isBlocked)
  }

  /** Shows what the user should know of a change, or closes what no longer matters. */
  react({ name, session, isSilent }: Change): void {
    const shown = this.#shown
    if (name === 'signin' && shown !== 'form') this.#close(true)
    if (name === 'active' && shown === 'notice') this.#close(false)
    if (name === 'userchange') this.#close(false)
    if (isSilent) return
    const { otherUserTitle, otherUser, reload, ...texts } = this.#texts
    if (name === 'userchange')
      this.#show('reload', [otherUserTitle, otherUser, reload], () => location.reload())
    // What waits for the user is more important than a notice.
    if (this.#pending || (this.#shown && this.#shown !== 'notice')) return
    const { sessionEndedTitle, sessionEnded, signIn } = texts
    const { sessionEndingTitle, sessionEnding, staySignedIn } = texts
    if (name === 'signout' && session.reason !== 'denied')
      this.#show('notice', [sessionEndedTitle, sessionEnded, signIn], () =>
        this.#signInNow(session.loginUrl),
      )
    if (name === 'expiring')
      this.#show('notice', [sessionEndingTitle, sessionEnding, staySignedIn], () =>
        this.#extend(session),
      )
  }

  /** Activity does not extend the maximum duration: only a new login does. */
  #extend({ expiresAt, idleExpiresAt, loginUrl }: ClientSession): void {
    if ((expiresAt ?? Infinity) <= (idleExpiresAt ?? Infinity)) this.#signInNow(loginUrl)
    else void this.#watch.read('POST')
  }

  #signInNow(loginUrl: string): void {
    void this.signIn(loginUrl)
    this.#open(loginUrl, this.#texts.signInAgain)
  }

  #show(
    kind: Shown,
    [title, text, label]: readonly [title: string, text: string, label: string],
    run: () => void,
    onCancel = () => this.#close(false),
  ): void {
    this.#shown = kind
    this.#dialog.show({ title, text, main: [label, run], onCancel, isModal: kind !== 'notice' })
  }

  /** Closes the dialog, with the answer for what waits for a login. */
  #close(isSignedIn: boolean): void {
    this.#settle?.(isSignedIn)
    this.#shown = undefined
    this.#dialog.hide()
  }
}

function rejectionBy(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal?.reason as Error)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
  })
}
