import { randomBytes } from 'node:crypto'
import { OAuthError } from '../http/errors.js'
import { type Headers, sendHtml, sendJson } from '../http/response.js'
import type { GateRequest } from '../http/gate-request.js'
import { isFramed, wantsHtml } from '../http/request.js'
import type { DeniedContext } from './contexts.js'
import type { Page, PageData, Pages } from './pages.js'

/** What an answer to an error needs beyond the error. */
export interface ErrorDetails {
  /** Where a login starts; the visitor is sent nowhere by itself. */
  loginUrl?: string | undefined
  /** Where trying again starts. Default: at `loginUrl`. */
  retryUrl?: string | undefined
  decisionId?: string | undefined
  /** For a user whom the rules refuse. */
  denied?: Pick<PageData<DeniedContext>, 'user' | 'anotherAccountUrl' | 'logoutUrl'> | undefined
  /** Of the instance, for `WWW-Authenticate`. */
  realm: string
}

export interface Responder {
  /** A page, or the JSON that says the same. */
  page(request: GateRequest, json: object, make: (pages: Pages, nonce: string) => Page): void
  /** The page of an error, or its JSON twin. */
  error(request: GateRequest, error: OAuthError, facts: ErrorDetails): void
}

export function createResponder(
  pages: Pages,
  onPageError: (error: unknown) => void,
  plainPages: Pages,
): Responder {
  /** A page of the app's own that throws is no reason to leave the visitor without an answer. */
  const make = (build: (pages: Pages, nonce: string) => Page): Page => {
    const nonce = randomBytes(16).toString('base64')
    try {
      return build(pages, nonce)
    } catch (error) {
      onPageError(error)
      return build(plainPages, nonce)
    }
  }
  const page: Responder['page'] = ({ req, res }, json, build) => {
    if (!wantsHtml(req)) return sendJson(res, 200, json)
    const { body, policy } = make(build)
    sendHtml(res, 200, body, policy)
  }

  return {
    page,
    error({ req, res }, error, { loginUrl, retryUrl = loginUrl, decisionId, denied, realm }) {
      const all: Headers = {
        ...(error.status === 401 && {
          'WWW-Authenticate': `Cookie realm="${realm.replace(/[^\x20-\x7e]|["\\]/g, '?')}"`,
        }),
        ...(error.retryAfter !== undefined && {
          'Retry-After': String(Math.ceil(error.retryAfter)),
        }),
      }
      if (!wantsHtml(req)) {
        const { code, message } = error
        sendJson(
          res,
          error.status,
          {
            error: code,
            message,
            ...(loginUrl && { login_url: loginUrl }),
            ...(decisionId && { decision_id: decisionId }),
          },
          all,
        )
        return
      }
      const { body, policy } = make((views, nonce) => {
        if (error.code === 'login_required' && isFramed(req) && loginUrl)
          return views.frame({ loginUrl }, nonce)
        const facts = {
          message: error.message,
          retryUrl: error.retryable ? retryUrl : undefined,
          decisionId,
        }
        if (denied && isDenial(error.code))
          return views.denied({ ...facts, ...denied, code: error.code }, nonce)
        const { code, status, audience, providerMessage } = error
        return views.error({ ...facts, code, status, audience, providerMessage }, nonce)
      })
      sendHtml(res, error.status, body, policy, all)
    },
  }
}

function isDenial(code: string): code is 'not_authorized' | 'email_unverified' {
  return code === 'not_authorized' || code === 'email_unverified'
}
