import type { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { random } from '../http/random.js'
import { isFramed, wantsHtml } from '../http/request.js'
import { type Headers, sendHtml, sendJson } from '../http/response.js'
import type { DeniedContext } from './contexts.js'
import type { Page, PageContent, PageName, Pages } from './pages.js'
import { ENGLISH, type PageTexts } from './texts.js'

/** Details for the response to an error. */
export interface ErrorDetails {
  /** Where a login starts, if that can help. */
  readonly loginUrl?: string | undefined
  /** The same for JSON, with the origin. */
  readonly absoluteLoginUrl?: string | undefined
  /** Where the user can try again. Default: `loginUrl`. */
  readonly retryUrl?: string | undefined
  /** The start page of the app. */
  readonly startUrl: string
  /** The sign-in page, if there are several providers. */
  readonly anotherProviderUrl?: string | undefined
  /** Identifies the decision in the log and in the event `denied`. */
  readonly decisionId?: string | undefined
  /** For the developer of the app. */
  readonly hint?: string | undefined
  /** For the page of a user that the rules deny. */
  readonly denied?: Pick<DeniedContext, 'user' | 'anotherAccountUrl' | 'logoutUrl'> | undefined
  /** For `WWW-Authenticate`: the instance. */
  readonly realm: string
  /** For `WWW-Authenticate`: how to access the app with a token. */
  readonly bearerChallenge?: string | undefined
  /** Whether the request has an access token: its client reads JSON. */
  readonly isToken?: boolean | undefined
}

/** Responds with a page, or with equivalent JSON if the client does not want HTML. */
export class Responder {
  readonly #pages: Pages
  readonly #onPageError: (error: unknown) => void

  /** `onPageError` receives the error of an app's page; the user gets the built-in page. */
  constructor(pages: Pages, onPageError: (error: unknown) => void) {
    this.#pages = pages
    this.#onPageError = onPageError
  }

  /** When a page of the app was last sent, in milliseconds. */
  get customPageAt(): number {
    return this.#pages.customPageAt
  }

  /** Sends a page with status 200, or `json`. */
  page<Name extends PageName>(
    { req, res }: GateRequest,
    json: object,
    name: Name,
    content: PageContent<Name>,
  ): void {
    if (wantsHtml(req)) this.#send({ req, res }, 200, name, content)
    else sendJson(res, 200, json)
  }

  /** Sends an error with its status. */
  error({ req, res }: GateRequest, error: OAuthError, details: ErrorDetails): void {
    const { code, status } = error
    const { loginUrl, denied } = details
    const headers = headersOf(error, details)
    if (details.isToken === true || !wantsHtml(req))
      sendJson(res, status, jsonOf(error, details), headers)
    else if (code === 'login_required' && isFramed(req) && loginUrl)
      this.#send({ req, res }, status, 'frame', { loginUrl }, headers)
    else if (denied && (code === 'not_authorized' || code === 'email_unverified')) {
      const content = (texts: PageTexts) => ({
        ...failureOf(error, details, texts),
        ...denied,
        code,
      })
      this.#send({ req, res }, status, 'denied', content, headers)
    } else {
      const content = (texts: PageTexts) => ({
        ...failureOf(error, details, texts),
        ...{ code, status, audience: error.audience, providerMessage: error.providerMessage },
        startUrl: details.startUrl,
      })
      this.#send({ req, res }, status, 'error', content, headers)
    }
  }

  #send<Name extends PageName>(
    { req, res }: Pick<GateRequest, 'req' | 'res'>,
    status: number,
    name: Name,
    content: PageContent<Name>,
    headers: Headers = {},
  ): void {
    const { body, policy, frameOptions, referrerPolicy, vary } = this.#render(req, name, content)
    sendHtml(res, status, body, policy, {
      ...headers,
      'X-Frame-Options': frameOptions,
      'Referrer-Policy': referrerPolicy,
      Vary: ['Cookie', ...vary].join(', '),
    })
  }

  #render<Name extends PageName>(
    { headers }: GateRequest['req'],
    name: Name,
    content: PageContent<Name>,
  ): Page {
    const nonce = random(16).toString('base64')
    const request = { nonce, acceptLanguage: headers['accept-language'] }
    try {
      return this.#pages.render(name, content, request)
    } catch (error) {
      this.#onPageError(error)
      return this.#pages.renderBuiltIn(name, content, request)
    }
  }
}

/** What the pages of errors and of denials have in common. */
function failureOf(error: OAuthError, details: ErrorDetails, texts: PageTexts) {
  const { code, message, retryable } = error
  const { loginUrl, retryUrl = loginUrl, anotherProviderUrl, decisionId, hint } = details
  const { [code]: english } = ENGLISH.errors
  const { title, message: text } = texts.errors[code]
  // A specific message is in English.
  const isSpecific = message !== english.message && text === english.message
  // The owner may have corrected the configuration since.
  const offersRetry = retryable || code === 'misconfigured'
  return {
    title,
    message: isSpecific ? message : text,
    retryUrl: offersRetry ? retryUrl : undefined,
    ...{ anotherProviderUrl, decisionId, hint },
  }
}

function headersOf(
  { status, retryAfter }: OAuthError,
  { realm, bearerChallenge, isToken }: ErrorDetails,
): Headers {
  const cookie = `Cookie realm="${realm.replace(/[^\x20-\x7e]|["\\]/g, '?')}"`
  // First, because MCP clients read only the first challenge.
  const challenges = [
    ...(bearerChallenge === undefined ? [] : [bearerChallenge]),
    ...(status === 401 && isToken !== true ? [cookie] : []),
  ]
  return {
    ...(challenges.length > 0 && {
      'WWW-Authenticate': challenges.length === 1 ? String(challenges[0]) : challenges,
    }),
    ...(retryAfter !== undefined && { 'Retry-After': String(Math.ceil(retryAfter)) }),
  }
}

function jsonOf(
  { code, message }: OAuthError,
  { absoluteLoginUrl, decisionId }: ErrorDetails,
): object {
  return {
    error: code,
    message,
    ...(absoluteLoginUrl && { login_url: absoluteLoginUrl }),
    ...(decisionId && { decision_id: decisionId }),
  }
}
