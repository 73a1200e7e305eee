import type { Responder } from '../pages/respond.js'
import { redirect } from '../http/response.js'
import { withTimeout } from '../http/timeout.js'
import { isPrefetch } from '../http/request.js'
import { clearSessionCookie } from '../session/session-cookie.js'
import type { OpenSession, Sessions } from '../session/sessions.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import type { LoginLoopDetector } from './login-loop.js'
import type { Links } from './links.js'
import type { Connection } from './login.js'

/** What logging out does beyond this session. */
export interface LogoutBehavior {
  readonly revokesTokens: boolean
  readonly endsProviderSession: boolean
  /** Where to go then, instead of our page. */
  readonly returnPath: string | undefined
}

export interface LogoutConfig {
  sessions: Sessions
  connections: ReadonlyMap<string, Connection>
  links: Links
  landings: LoginLoopDetector
  mounts: Mounts
  responder: Responder
  behaviour: LogoutBehavior
  beside(work: Promise<unknown>): void
}

export interface Logout {
  /** `/auth/logout`; says which session it ended. */
  handle(request: GateRequest, query: URLSearchParams): Promise<OpenSession | undefined>
}

/** Milliseconds. */
const PROVIDER_PATIENCE = 2_000
/** As many cookies of our name as are read of one request. */
const MAX_SESSIONS = 4

export function createLogout({
  sessions,
  connections,
  links,
  landings: loginLoop,
  mounts,
  responder,
  behaviour,
  beside,
}: LogoutConfig): Logout {
  const askFirst = (request: GateRequest, { key, record }: OpenSession) => {
    const { mount } = request
    const { name, email, username, provider } = record.user
    const facts = {
      confirmUrl: links.confirmedLogout(mount, key),
      cancelUrl: links.safeReturn(mount, undefined),
      user: {
        name,
        email,
        username,
        provider: connections.get(provider)?.provider.label ?? provider,
      },
    }
    responder.page(request, { confirm_url: facts.confirmUrl }, (pages, nonce) =>
      pages.confirmLogout(facts, nonce),
    )
  }

  /** Where the provider ends its own session; it comes back here, where nobody is logged in any more. */
  const providerLogout = async (
    { req, mount }: GateRequest,
    session: OpenSession,
  ): Promise<string | undefined> => {
    const connection = connections.get(session.record.provider)
    if (!behaviour.endsProviderSession || connection === undefined) return undefined
    const { idToken } = sessions.tokens(session)
    // The visitor is logged out here in any case, and need not wait for a provider that is down.
    return withTimeout(PROVIDER_PATIENCE, 'the provider', async () =>
      connection.client.endSessionUrl({
        ...(idToken !== undefined && { id_token_hint: idToken }),
        client_id: session.record.clientId,
        post_logout_redirect_uri: `${mounts.origin(req)}${mounts.specialPath(mount, 'logout')}`,
      }),
    ).catch(() => undefined)
  }

  const revoke = (session: OpenSession) => {
    const connection = connections.get(session.record.provider)
    if (!behaviour.revokesTokens || connection === undefined || connection.provider.isManaged)
      return
    const { accessToken, refreshToken } = sessions.tokens(session)
    if (accessToken !== '') beside(connection.client.revoke({ accessToken, refreshToken }))
  }

  const goOn = (request: GateRequest, url: string, message: string) =>
    responder.page(request, { signed_out: true, continue_url: url }, (pages, nonce) =>
      pages.continue({ url, message }, nonce),
    )

  /** A further cookie of our name, from another path or domain, must not keep who signed out logged in. */
  const endAll = async ({ req, mount, now }: GateRequest, first: OpenSession) => {
    for (
      let session: OpenSession | undefined = first, count = 0;
      session !== undefined && count < MAX_SESSIONS;
      count++
    ) {
      await sessions.destroy(session.key, 'logout')
      const found = await sessions.find(
        req.headers.cookie,
        mount.sessionCookie.name,
        now,
        mount.instance,
      )
      session = found.session
    }
  }

  const signedOut = (request: GateRequest, onward: string | undefined) => {
    const { req, res, mount } = request
    // A form whose answer redirects to another site is stopped by the browser: a page with a link instead.
    if (onward !== undefined && req.method === 'POST')
      return goOn(
        request,
        onward,
        'You are signed out here. To sign out at the provider as well, go on.',
      )
    if (onward !== undefined) return redirect(res, onward)
    if (behaviour.returnPath !== undefined) {
      const url = behaviour.returnPath
      // What is there may lead to a login at another site.
      if (req.method === 'POST') return goOn(request, url, 'You are signed out.')
      return redirect(res, url)
    }
    const loginUrl = links.login(mount, {
      returnPath: links.safeReturn(mount, undefined),
      ask: 'account',
    })
    responder.page(request, { signed_out: true, login_url: loginUrl }, (pages, nonce) =>
      pages.signedOut({ loginUrl }, nonce),
    )
  }

  return {
    async handle(request, query) {
      const { req, res, mount, now } = request
      const { session } = await sessions.find(
        req.headers.cookie,
        mount.sessionCookie.name,
        now,
        mount.instance,
      )
      const isConfirmed =
        session !== undefined &&
        req.method === 'POST' &&
        links.isConfirmed(mount, query, session.key)
      if (session !== undefined && !isConfirmed && !comesFromHere(request)) {
        askFirst(request, session)
        return undefined
      }
      // The row first: without it the cookie is worth nothing, the other way round it would be.
      if (session !== undefined) await endAll(request, session)
      clearSessionCookie(res, req.headers.cookie, mount.sessionCookie)
      loginLoop.forget(request)
      if (session !== undefined) revoke(session)
      signedOut(request, session && (await providerLogout(request, session)))
      return session
    },
  }
}

/** Another site must not log anybody out; nor must a browser that only looks ahead. */
function comesFromHere({ req }: GateRequest): boolean {
  const site = req.headers['sec-fetch-site']
  return !isPrefetch(req) && (site === undefined || site === 'same-origin' || site === 'none')
}
