import type { CookieAttributes } from '../http/cookies.js'
import type { GateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'

/** Special path at which browsers register a key. */
export const REGISTER = 'device/register'
const REFRESH = 'device/refresh'
/** Where a login must not wait for a proof. `/auth/session` needs one: it returns the user. */
const EXEMPT = ['authn', 'logout', REGISTER]

/** What the instructions depend on, besides the request. */
export interface InstructionsInput {
  /** Identifies the session among those of the site. Not a secret. */
  readonly identifier: string
  readonly mounts: Mounts
  readonly callbackPaths: readonly string[]
}

/**
 * The instructions that have the browser renew the cookie.
 * (https://w3c.github.io/webappsec-dbsc/#format-session-instructions)
 */
export function instructionsFor(
  { req, mount }: GateRequest,
  { identifier, mounts, callbackPaths }: InstructionsInput,
): object {
  const origin = mounts.origin(req)
  const domain = new URL(origin).hostname
  const exemptPaths = [
    ...EXEMPT.map((name) => mounts.specialPath(mount, name)),
    ...callbackPaths.map((path) => mount.publicPath + path),
  ]
  const { name, attributes } = mount.boundCookie
  return {
    session_identifier: identifier,
    refresh_url: mounts.specialPath(mount, REFRESH),
    scope: {
      origin,
      include_site: false,
      scope_specification: exemptPaths.map((path) => ({ type: 'exclude', domain, path })),
    },
    credentials: [{ type: 'cookie', name, attributes: attributesOf(attributes) }],
    // A link on another site, such as that of an email, would otherwise arrive without the cookie.
    // Only requests that are sent the cookie cause a renewal: with SameSite=Lax, navigations.
    allowed_refresh_initiators: ['*'],
  }
}

/** As in `Set-Cookie`: the browser compares them. */
function attributesOf({ path, secure, sameSite }: CookieAttributes): string {
  return [
    `Path=${path}`,
    ...(secure ? ['Secure'] : []),
    'HttpOnly',
    `SameSite=${sameSite === 'none' ? 'None' : 'Lax'}`,
  ].join('; ')
}
