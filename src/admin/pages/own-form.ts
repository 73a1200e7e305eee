import type { AppRequest } from '../../http/request.js'
import type { PageVisit } from '../../middleware/admin-access.js'
import { PageError } from './screen.js'

/**
 * Throws a {@link PageError} unless the browser sent the request from a form of these pages, which
 * was created for this session and action. Scripts of other sites can neither set `Origin` nor read
 * the token. (https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html)
 */
export function mustBeOwnForm(
  req: AppRequest,
  visit: PageVisit,
  action: string,
  token: string | null,
): void {
  if (!isFromOwnPage(req, visit))
    throw new PageError(
      403,
      'Nothing was changed',
      'The request did not come from a page of this app. If you sent the form yourself, the app may be behind a proxy that hides its public address: the owner of the app can set the option baseUrl.',
    )
  if (!visit.isFormToken(action, token))
    throw new PageError(
      403,
      'Nothing was changed',
      'The form is too old, or was created in another session. Please go back, and confirm again.',
    )
}

/** Browsers send `Origin` with every form. One that leaves it out must send Fetch Metadata. */
function isFromOwnPage({ headers }: AppRequest, visit: PageVisit): boolean {
  const { origin } = headers
  if (origin === undefined) return headers['sec-fetch-site'] === 'same-origin'
  return visit.isOwnOrigin(origin)
}
