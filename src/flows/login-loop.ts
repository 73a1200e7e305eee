import type { ServerResponse } from 'node:http'
import { OAuthError } from '../http/errors.js'
import { clearCookie, readCookies, setCookie } from '../http/cookies.js'
import type { AppRequest } from '../http/request.js'
import { type Sealer, sha256 } from '../http/encryption.js'
import type { Place } from '../http/mounts.js'
import { isRecord } from '../schema.js'
import type { LiveSession } from '../session/sessions.js'

/** Watches whether browsers give back the session cookies that logins set: where not, one login follows another for ever. */
export interface Landings {
  /** Notes a login that is done. Gives the key of the session before, when its cookie never came back. */
  note(
    req: AppRequest,
    res: ServerResponse,
    place: Place,
    live: LiveSession,
    now: number,
  ): string | undefined
  /** Refuses to begin yet another login where those before came to nothing. */
  check(req: AppRequest, place: Place, now: number): void
  /** The visitor has logged out: the cookie is gone for a good reason. */
  forget(req: AppRequest, res: ServerResponse, place: Place): void
}

interface Landing {
  readonly instance: string
  readonly key: string
  /** Of the session cookie: elsewhere the browser does not send it, and nothing is lost. */
  readonly path: string
  readonly cookieHash: string
  /** Logins in a row whose cookie was lost, and this one. */
  readonly count: number
  readonly until: number
}

/** Milliseconds between a login and the next one that still count as one trouble. */
const LIFETIME = 60_000
const LOGINS_BEFORE_EXPLAINING = 3
/** Browsers drop cookies that are too long. */
const LONG = 1000

export function createLandings(sealer: Sealer): Landings {
  const nameAt = ({ transactionCookie }: Place) => `${transactionCookie.prefix}landed`
  /** The latest login, if its cookie did not come with this request. */
  const lost = ({ headers }: AppRequest, place: Place, now: number): Landing | undefined => {
    const [sealed] = readCookies(headers.cookie, nameAt(place))
    const text = sealed === undefined ? undefined : sealer.open('landing', sealed)
    const landing: unknown = text === undefined ? undefined : JSON.parse(text)
    if (!isLanding(landing) || landing.instance !== place.instance || landing.until <= now)
      return undefined
    if (landing.path !== place.sessionCookie.attributes.path) return undefined
    const hasCome = readCookies(headers.cookie, place.sessionCookie.name).some(
      (id) => hashOf(id) === landing.cookieHash,
    )
    return hasCome ? undefined : landing
  }

  return {
    note(req, res, place, { id, key }, now) {
      const before = lost(req, place, now)
      // The cookie of the login itself came back: one like it will, too.
      const { path, domain } = place.sessionCookie.attributes
      if (path !== '/' || domain !== undefined || id.length > LONG) {
        const landing: Landing = {
          instance: place.instance,
          path,
          key,
          cookieHash: hashOf(id),
          count: (before?.count ?? 0) + 1,
          until: now + LIFETIME,
        }
        setCookie(
          res,
          nameAt(place),
          sealer.seal('landing', JSON.stringify(landing)),
          place.transactionCookie.attributes,
          LIFETIME / 1000,
        )
      }
      return before?.key
    },
    check(req, place, now) {
      if ((lost(req, place, now)?.count ?? 0) < LOGINS_BEFORE_EXPLAINING) return
      throw new OAuthError('cookie_lost', {
        message:
          'Your browser did not send back the cookie that keeps you signed in: the login worked, but nothing is left of it.',
        hint: 'three logins whose session cookie did not come back: look at cookie.domain, cookie.path and the path of baseUrl; with cookieStore() the cookie may be too long',
      })
    },
    forget(req, res, place) {
      if (readCookies(req.headers.cookie, nameAt(place)).length > 0)
        clearCookie(res, nameAt(place), place.transactionCookie.attributes)
    },
  }
}

function isLanding(value: unknown): value is Landing {
  return isRecord(value) && typeof value['count'] === 'number' && typeof value['until'] === 'number'
}

/** Of what every session cookie has, also the first of several. */
function hashOf(id: string): string {
  return sha256(id.slice(0, 43)).slice(0, 16)
}
