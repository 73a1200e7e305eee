import type { Mounts } from '../http/mounts.js'
import { type AppRequest, isUpgrade } from '../http/request.js'
import type { Logger } from '../options/options.js'
import { OccasionalWarning } from './occasional-warning.js'

/** Decides whether a page may open a WebSocket: it belongs to the app or to an allowed origin. */
export class UpgradeOrigins {
  readonly #mounts: Mounts
  readonly #warning: OccasionalWarning

  constructor({ mounts, logger }: { mounts: Mounts; logger: Logger }) {
    this.#mounts = mounts
    this.#warning = new OccasionalWarning(
      logger,
      'an upgrade from a page of another origin is unauthenticated',
    )
  }

  /**
   * Whether the request is not an upgrade from a page of another site, which would use the user's
   * cookie. (RFC 6455, 10.2) Browsers always send `Origin`. `allowed` adds origins to the app's
   * own.
   */
  isAllowed(req: AppRequest, allowed: string | readonly string[] = []): boolean {
    if (!isUpgrade(req.headers)) return true
    const { origin } = req.headers
    const own = this.#mounts.publicOrigin(req)
    if (origin === undefined || origin === own || [allowed].flat().includes(origin)) return true
    const isOtherScheme = withoutScheme(origin) === withoutScheme(own)
    this.#warning.log({
      code: 'login_required',
      origin: origin.slice(0, 200),
      own,
      hint: isOtherScheme
        ? 'the app does not see the scheme that browsers use: set baseUrl, or Express\' "trust proxy" with a proxy that sends X-Forwarded-Proto'
        : 'if pages of this origin may open sockets, name it in authenticate(req, { origin }); if it is the origin of the app, set baseUrl, or have the proxy keep the Host header',
    })
    return false
  }
}

function withoutScheme(origin: string | undefined): string | undefined {
  return origin?.replace(/^https?:/, '')
}
