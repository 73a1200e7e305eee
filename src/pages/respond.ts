import { randomBytes } from 'node:crypto'
import type { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { isFramed, wantsHtml } from '../http/request.js'
import { type Headers, sendHtml, sendJson } from '../http/response.js'
import type { Page, PageData, PageName, Pages } from './pages.js'

/** Details for the response to an error. */
export interface ErrorDetails {
  /** Where a login starts, if that can help. */
  readonly loginUrl?: string | undefined
  /** The same for JSON, with the origin. */
  readonly absoluteLoginUrl?: string | undefined
  /** Where the user can try again. Default: `loginUrl`. */
  readonly retryUrl?: string | undefined
  /** Identifies the decision in the log and in the event `denied`. */
  readonly decisionId?: string | undefined
  /** For the page of a user that the rules deny. */
  readonly denied?: Pick<PageData<'denied'>, 'user' | 'anotherAccountUrl' | 'logoutUrl'> | undefined
  /** For `WWW-Authenticate`: the instance. */
  readonly realm: string
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

  /** Sends a page with status 200, or `json`. */
  page<Name extends PageName>(
    { req, res }: GateRequest,
    json: object,
    name: Name,
    data: PageData<Name>,
  ): void {
    if (wantsHtml(req)) this.#send(res, 200, name, data)
    else sendJson(res, 200, json)
  }

  /** Sends an error with its status. */
  error({ req, res }: GateRequest, error: OAuthError, details: ErrorDetails): void {
    const { code, message, status, audience, providerMessage } = error
    const { loginUrl, retryUrl = loginUrl, decisionId, denied } = details
    const headers = headersOf(error, details.realm)
    if (!wantsHtml(req)) {
      sendJson(res, status, jsonOf(error, details), headers)
    } else if (code === 'login_required' && isFramed(req) && loginUrl) {
      this.#send(res, status, 'frame', { loginUrl }, headers)
    } else {
      const data = { message, retryUrl: error.retryable ? retryUrl : undefined, decisionId }
      if (denied && (code === 'not_authorized' || code === 'email_unverified'))
        this.#send(res, status, 'denied', { ...data, ...denied, code }, headers)
      else
        this.#send(
          res,
          status,
          'error',
          { ...data, code, status, audience, providerMessage },
          headers,
        )
    }
  }

  #send<Name extends PageName>(
    res: GateRequest['res'],
    status: number,
    name: Name,
    data: PageData<Name>,
    headers: Headers = {},
  ): void {
    const { body, policy, frameOptions } = this.#render(name, data)
    sendHtml(res, status, body, policy, { ...headers, 'X-Frame-Options': frameOptions })
  }

  #render<Name extends PageName>(name: Name, data: PageData<Name>): Page {
    const nonce = randomBytes(16).toString('base64')
    try {
      return this.#pages.render(name, data, nonce)
    } catch (error) {
      this.#onPageError(error)
      return this.#pages.renderBuiltIn(name, data, nonce)
    }
  }
}

function headersOf({ status, retryAfter }: OAuthError, realm: string): Headers {
  return {
    ...(status === 401 && {
      'WWW-Authenticate': `Cookie realm="${realm.replace(/[^\x20-\x7e]|["\\]/g, '?')}"`,
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
