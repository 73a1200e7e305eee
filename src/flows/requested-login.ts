import type { Mount } from '../http/mounts.js'
import type { Links, LoginRequest } from './links.js'

/**
 * The login request of a request to `/auth/authn`. Without a valid link, the user chose to sign in,
 * possibly with another account.
 */
export function requestedLogin(links: Links, mount: Mount, query: URLSearchParams): LoginRequest {
  const login = links.readLogin(mount, query) ?? {
    returnPath: links.safeReturnPath(mount),
    ask: 'login' as const,
  }
  // The window of a page that waits for the login: see `middleware/client-script.ts`.
  return query.has('popup')
    ? { ...login, returnPath: links.closingPage(mount), lost: undefined }
    : login
}
