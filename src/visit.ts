import type { ServerResponse } from 'node:http'
import { type AnonymousReason, OAuthContext } from './context.js'
import type { Links } from './flows/links.js'
import type { Recheck } from './flows/recheck.js'
import type { AppRequest } from './http/request.js'
import type { Places, Visit } from './place.js'
import { isRecord } from './read.js'
import { writeSessionCookie } from './session/session-cookie.js'
import type { LiveSession, Sessions } from './session/sessions.js'
import type { UpstreamHeaders } from './upstream-headers.js'
import type { Watches } from './watches.js'

export type { Visit }

export interface VisitsConfig {
  sessions: Sessions
  recheck: Recheck
  links: Links
  places: Places
  headers: UpstreamHeaders
  watches: Watches
  /** Names of the providers whose tokens the app does not get. */
  managed: ReadonlySet<string>
  setsUser: boolean
}

/** Gives the app what it sees of a visitor: `req.oauth`, `req.user` and the upstream headers. */
export interface Visits {
  welcome(visit: Visit, live: LiveSession): OAuthContext
  anonymous(visit: Visit, reason: AnonymousReason): OAuthContext
  /** Sets the cookie anew when the session's id has changed: where the cookie is the session. */
  keep(visit: Visit, before: LiveSession, after: LiveSession): LiveSession
}

export function createVisits({ sessions, recheck, links, places, headers, watches, managed, setsUser }: VisitsConfig): Visits {
  const attach = (req: AppRequest, oauth: OAuthContext) => {
    const seen = req as AppRequest & { oauth?: OAuthContext; user?: unknown }
    seen.oauth = oauth
    if (setsUser && oauth.user !== undefined && seen.user === undefined) seen.user = oauth.user
    return oauth
  }
  const linksOf = ({ place, target }: Visit): Pick<ConstructorParameters<typeof OAuthContext>[0], 'loginUrl' | 'logoutUrl'> => ({
    loginUrl: ({ returnTo, connection, reauthenticate }) =>
      links.login(place, {
        returnPath: links.safeReturn(place, returnTo ?? places.publicPath(place, target)),
        connection,
        ask: reauthenticate === true ? 'login' : undefined,
      }),
    logoutUrl: () => links.logout(place),
  })

  const keep: Visits['keep'] = ({ req, res, place, now }, before, after) => {
    if (after.id !== before.id && res !== undefined && !res.headersSent) {
      writeSessionCookie(res, req.headers.cookie, place.sessionCookie, after.id, sessions.ends(after).expiresAt - now)
      forbidStoring(res)
    }
    return after
  }

  return {
    keep,
    welcome(visit, live) {
      const { req, now } = visit
      const { session } = live
      let current = live
      const verdict = recheck.verdict(session)
      // A copy: one session serves many requests, and an app may write to its `req.user`.
      const user = { ...session.user }
      const handsOutTokens = !managed.has(session.provider)
      let signal: AbortSignal | undefined
      headers.set(req, {
        user,
        matched: verdict?.matched,
        headerTokens: sessions.hasTokens(session) ? session.headerTokens : [],
        openToken: (name) => sessions.tokens(current)[name === 'access' ? 'accessToken' : 'refreshToken'],
      })
      return attach(req, new OAuthContext({
        login: { handle: live.key, session, user },
        reason: undefined,
        lastCheckedAt: verdict?.at,
        sessionExpiresAt: sessions.nextEnd(session, now),
        accessTokenExpiresAt: () => current.session.accessTokenExpiresAt,
        tokens: () => (handsOutTokens ? sessions.tokens(current) : undefined),
        async freshAccessToken() {
          if (!handsOutTokens) return undefined
          current = keep(visit, current, await recheck.withFreshToken(current))
          return sessions.tokens(current).accessToken || undefined
        },
        signal: () => (signal ??= watches.watch(live, req, visit.res ?? req.socket)),
        ...linksOf(visit),
      }))
    },
    anonymous: (visit, reason) =>
      attach(visit.req, new OAuthContext({
        login: undefined,
        reason,
        lastCheckedAt: undefined,
        sessionExpiresAt: undefined,
        accessTokenExpiresAt: () => undefined,
        tokens: () => undefined,
        freshAccessToken: async () => undefined,
        signal: () => new AbortController().signal,
        ...linksOf(visit),
      })),
  }
}

/** An answer of the app's that carries the visitor's cookie: whatever the app says of caching it, no cache may keep it. */
function forbidStoring(res: ServerResponse): void {
  const writeHead = res.writeHead
  res.writeHead = function (this: ServerResponse, ...parts: unknown[]) {
    this.setHeader('Cache-Control', 'private, no-store')
    return Reflect.apply(writeHead, this, parts.map(withoutCacheControl))
  }
}

/** Headers as `writeHead` takes them: an object, or a list of names and values, flat or in pairs. */
function withoutCacheControl(part: unknown): unknown {
  const isOther = (name: unknown) => !/^cache-control$/i.test(String(name))
  if (isRecord(part)) return Object.fromEntries(Object.entries(part).filter(([name]) => isOther(name)))
  if (!Array.isArray(part)) return part
  return Array.isArray(part[0])
    ? part.filter((pair: unknown) => isOther(Array.isArray(pair) ? pair[0] : pair))
    : part.filter((_, index) => isOther(part[index - (index % 2)]))
}
