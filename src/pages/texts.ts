import { ERROR_CODES, type OAuthErrorCode } from '../http/error-codes.js'
import { DIALOG_TEXTS, type DialogTexts } from './dialog-texts.js'

/** The words of an error page. */
export interface ErrorTexts {
  /** The heading. */
  title: string
  /** The sentence below the heading. */
  message: string
}

/**
 * The texts of the built-in pages. A translation contains the placeholders of the English text, such
 * as `{provider}`.
 */
export interface PageTexts extends DialogTexts {
  /** Language tag of the page (BCP 47), for `lang`. */
  lang: string
  /** Direction of the text, for `dir`. Default: by the language. */
  dir: 'ltr' | 'rtl'
  /** Heading of the sign-in page, and the button that leads to it. */
  signIn: string
  /** Heading of the sign-in page if the app has a name. */
  signInTo: string
  /** Below the heading of the sign-in page. */
  chooseProvider: string
  /** Button of a provider. */
  signInWith: string
  /** Button that repeats what failed. */
  tryAgain: string
  /** Button that lets the user choose another account at the same provider. */
  useAnotherAccount: string
  /** Button that leads to the sign-in page, with several providers. */
  useAnotherProvider: string
  /** Button that leads to the start page of the app. */
  startPage: string
  /** Button that ends the session. */
  signOut: string
  /** Button that keeps the session. */
  staySignedIn: string
  /** Button after signing out. */
  signInAgain: string
  /** Button that leads to the next page. */
  continue: string
  /** Link to the option `branding.supportUrl`. */
  support: string
  /** Above the user's name. */
  signedInWith: string
  /** In place of the name of a user who has none. */
  namelessAccount: string
  /** Above the message of a provider. */
  providerMessage: string
  /** Label of the code of an error. */
  errorCode: string
  /** Label of the ID of a decision. */
  decisionId: string
  /** Heading of the page after signing out. */
  signedOutTitle: string
  /** Below that heading. */
  signedOut: string
  /** Heading of the page that asks whether to sign out. */
  confirmSignOutTitle: string
  /** Below that heading. */
  confirmSignOut: string
  /** Inside a frame, where providers do not show their pages. */
  frame: string
  /** Heading of a page that leads to another site. */
  oneMoreStep: string
  /** Below that heading: the provider has a session as well. */
  signOutAtProvider: string
  /** Below that heading: the app has its own page for users who are signed out. */
  signedOutHere: string
  /** Heading of the page after a login that could not return to the requested page. */
  signedInTitle: string
  /** Below that heading: a form was lost. */
  lostForm: string
  /** Below that heading: the URL was too long. */
  lostPage: string
  /** Heading of the page with the devices on which the user is signed in. */
  devicesTitle: string
  /** Below that heading. */
  devices: string
  /** Marks the device that shows the page. */
  thisDevice: string
  /** Name of a device. */
  browserOnSystem: string
  /** In place of the name of a device that sends none. */
  unknownDevice: string
  /** When a device was last used: `{time}` is relative, as in "2 hours ago". */
  lastActive: string
  /** When the user signed in on a device. */
  signedInAt: string
  /** Button that ends all sessions of the user. */
  signOutEverywhere: string
  /** Heading and sentence of each error. */
  errors: Record<OAuthErrorCode, ErrorTexts>
}

type Partially<T> = { [Name in keyof T]?: T[Name] | undefined }

/** Some of the texts. The others are English. */
export type PartialPageTexts = Partially<Omit<PageTexts, 'errors'>> & {
  /** Heading and sentence of errors, by their code. */
  errors?: Partially<Record<OAuthErrorCode, Partially<ErrorTexts>>> | undefined
}

/**
 * The option `texts`: custom wording, or a function that returns the texts of a language, and
 * `undefined` for languages that it does not have. The function is called with the languages that
 * the browser prefers, such as `de-CH` and then `de`, until it returns texts.
 */
export type TextsOption = PartialPageTexts | ((language: string) => PartialPageTexts | undefined)

/** The names of the texts that are plain strings. */
export type TextName = Exclude<keyof PageTexts, 'lang' | 'dir' | 'errors'>

/** The texts without the option `texts`. */
export const ENGLISH: Readonly<PageTexts> = {
  lang: 'en',
  dir: 'ltr',
  signIn: 'Sign in',
  signInTo: 'Sign in to {app}',
  chooseProvider: 'Choose how you want to sign in.',
  signInWith: 'Sign in with {provider}',
  tryAgain: 'Try again',
  useAnotherAccount: 'Use another account',
  useAnotherProvider: 'Sign in another way',
  startPage: 'Go to the start page',
  signOut: 'Sign out',
  staySignedIn: 'Stay signed in',
  signInAgain: 'Sign in again',
  continue: 'Continue',
  support: 'Get help',
  signedInWith: 'Signed in with {provider} as',
  namelessAccount: 'an account without a name',
  providerMessage: 'Message from the provider:',
  errorCode: 'Error code',
  decisionId: 'Decision ID',
  signedOutTitle: 'You are signed out',
  signedOut: 'Your session in this browser has ended.',
  confirmSignOutTitle: 'Do you want to sign out?',
  confirmSignOut: 'Another site sent you here to sign you out of this application.',
  frame: 'Sign-in cannot be shown in this part of the page. It opens in the full window.',
  oneMoreStep: 'One more step',
  signOutAtProvider: 'You are signed out here. Continue to sign out at the provider as well.',
  signedOutHere: 'You are signed out.',
  signedInTitle: 'You are signed in',
  lostForm:
    'The form that you sent was not accepted, because you had to sign in first. Please fill it in and send it again.',
  lostPage:
    'The address that you opened is too long to return to after signing in. Please open it again.',
  devicesTitle: 'Your devices',
  devices:
    'Your account is signed in on these devices. If you do not recognize one, sign out there.',
  thisDevice: 'This device',
  browserOnSystem: '{browser} on {system}',
  unknownDevice: 'Unknown device',
  lastActive: 'Last active {time}',
  signedInAt: 'Signed in {time}',
  signOutEverywhere: 'Sign out everywhere',
  ...DIALOG_TEXTS,
  errors: Object.fromEntries(
    Object.entries(ERROR_CODES).map(([code, { title, message }]) => [code, { title, message }]),
  ) as Record<OAuthErrorCode, ErrorTexts>,
}

/** The placeholders of a text, such as `{provider}`. */
export function placeholdersOf(text: string): string[] {
  return text.match(/\{[a-z]+\}/g) ?? []
}

/** Completes texts with English. */
export function completeTexts(texts: PartialPageTexts): PageTexts {
  const { errors = {}, ...others } = texts
  const given = Object.fromEntries(
    Object.entries(others).filter(([, value]) => value !== undefined),
  )
  const completeErrors = Object.entries(ENGLISH.errors).map(([code, english]) => {
    const { title = english.title, message = english.message } =
      errors[code as OAuthErrorCode] ?? {}
    return [code, { title, message }]
  })
  return {
    ...ENGLISH,
    ...given,
    errors: Object.fromEntries(completeErrors) as PageTexts['errors'],
  }
}
