/** The texts of the dialogs of `/auth/client.js`, besides those that the pages have as well. */
export interface DialogTexts {
  /** Heading: the session has ended. */
  sessionEndedTitle: string
  /** Below that heading. */
  sessionEnded: string
  /** While the user signs in in another window. */
  signInElsewhere: string
  /** The browser did not open the window. */
  windowBlocked: string
  /** In that window, after signing in. */
  closeWindow: string
  /** Heading: the session ends soon. */
  sessionEndingTitle: string
  /** Below that heading. */
  sessionEnding: string
  /** Heading: another user has signed in. */
  otherUserTitle: string
  /** Below that heading. */
  otherUser: string
  /** Button that loads the page again. */
  reload: string
  /** Heading: the session had ended when a form was sent. */
  sendFormTitle: string
  /** Below that heading. */
  sendForm: string
  /** Button that sends the form. */
  send: string
  /** Button that closes a dialog. */
  cancel: string
}

/** These texts without the option `texts`. */
export const DIALOG_TEXTS: Readonly<DialogTexts> = {
  sessionEndedTitle: 'Your session has ended',
  sessionEnded: 'Sign in to continue. This page stays as it is.',
  signInElsewhere: 'Sign in in the window that has opened. Then this page continues.',
  windowBlocked: 'Your browser has blocked the sign-in window. Sign in on this page instead.',
  closeWindow: 'You can close this window.',
  sessionEndingTitle: 'Your session ends soon',
  sessionEnding: 'Do you want to stay signed in?',
  otherUserTitle: 'Another account is signed in',
  otherUser: 'Reload the page to continue with that account.',
  reload: 'Reload',
  sendFormTitle: 'Send the form now?',
  sendForm: 'It was not sent, because your session had ended.',
  send: 'Send',
  cancel: 'Cancel',
}
