import type { ServerResponse } from 'node:http'
import type { Answers } from '../answers.js'
import { redirect } from '../http/answer.js'
import { clearCookie } from '../http/cookies.js'
import { type AppRequest, isPrefetch } from '../http/request.js'
import type { Place } from '../place.js'
import type { LiveSession, Sessions } from '../session/sessions.js'
import type { Links } from './links.js'

export interface LogoutConfig {
  sessions: Sessions
  links: Links
  answers: Answers
  /** Where to go then, instead of our page. */
  returnPath: string | undefined
  labelOf(provider: string): string
}

export interface Logout {
  /** `/auth/logout`; says which session it ended. */
  handle(req: AppRequest, res: ServerResponse, place: Place, query: URLSearchParams, now: number): Promise<LiveSession | undefined>
}

export function createLogout({ sessions, links, answers, returnPath, labelOf }: LogoutConfig): Logout {
  const askFirst = (res: ServerResponse, place: Place, { key, session }: LiveSession) => {
    const { name, email, username, provider } = session.user
    const facts = {
      confirmUrl: links.confirmedLogout(place, key),
      cancelUrl: links.safeReturn(place, undefined),
      user: { name, email, username, provider: labelOf(provider) },
    }
    answers.page(res, 200, (pages, nonce) => pages.confirmLogout(facts, nonce))
  }
  const signedOut = (res: ServerResponse, place: Place) => {
    const loginUrl = links.login(place, { returnPath: links.safeReturn(place, undefined), ask: 'account' })
    answers.page(res, 200, (pages, nonce) => pages.signedOut({ loginUrl }, nonce))
  }

  return {
    async handle(req, res, place, query, now) {
      const found = await sessions.find(req.headers.cookie, place.sessionCookie.name, now)
      const live = typeof found !== 'string' && found.session.instance === place.instance ? found : undefined
      const isConfirmed = live !== undefined && req.method === 'POST' && links.isConfirmed(place, query, live.key)
      if (live !== undefined && !isConfirmed && !comesFromHere(req)) {
        askFirst(res, place, live)
        return undefined
      }
      // The row first: without it the cookie is worth nothing, the other way round it would be.
      if (live !== undefined) await sessions.destroy(live.key, 'logout')
      clearCookie(res, place.sessionCookie.name, place.sessionCookie.attributes)
      if (returnPath !== undefined && req.method !== 'POST') redirect(res, returnPath)
      else signedOut(res, place)
      return live
    },
  }
}

/** Another site must not log anybody out; nor must a browser that only looks ahead. */
function comesFromHere(req: AppRequest): boolean {
  const site = req.headers['sec-fetch-site']
  return !isPrefetch(req) && (site === undefined || site === 'same-origin' || site === 'none')
}
