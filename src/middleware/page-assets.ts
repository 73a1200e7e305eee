import type { GateRequest } from '../http/gate-request.js'
import type { Mounts } from '../http/mounts.js'
import type { Config } from '../options/config.js'
import { logosOf } from '../pages/branding.js'
import type { Responder } from '../pages/respond.js'

/** What a page loads. (Fetch Metadata, Sec-Fetch-Dest) */
const ASSETS: ReadonlySet<string> = new Set(['style', 'image', 'font'])

/** How long after a page its images and style sheets are requested. */
const LOAD_MS = 10_000

/** What {@link PageAssets} depends on. */
export interface PageAssetsDeps {
  readonly config: Pick<Config, 'branding' | 'logger'>
  readonly mounts: Mounts
  readonly responder: Responder
}

/**
 * Warns if the gate rejects what its own pages load: the logo, and the style sheets, images and
 * fonts of custom pages. The app has to serve them before the gate.
 */
export class PageAssets {
  readonly #deps: PageAssetsDeps
  readonly #logoPaths: ReadonlySet<string>
  #hasWarned = false

  constructor(deps: PageAssetsDeps) {
    this.#deps = deps
    this.#logoPaths = new Set(logosOf(deps.config.branding ?? {}).map(withoutQuery))
  }

  /** Called for each request without a session that is rejected. */
  check(request: GateRequest): void {
    if (this.#hasWarned || !ASSETS.has(request.headers['sec-fetch-dest'] ?? '')) return
    const path = withoutQuery(this.#deps.mounts.publicTarget(request.mount, request.target))
    const isLogo = this.#logoPaths.has(path)
    if (!isLogo && !this.#isOfCustomPage(request, path)) return
    this.#hasWarned = true
    this.#deps.config.logger.warn('the gate rejected a file that its own page loads', {
      code: 'login_required',
      path: path.slice(0, 200),
      hint: `users without a session cannot load ${isLogo ? 'the logo of the option branding' : 'the files of your custom page'}: serve it before the gate, as in app.use('/assets', express.static('assets')) above app.use(auth)`,
    })
  }

  /** Our pages have `Referrer-Policy: no-referrer`, unlike most pages of apps. */
  #isOfCustomPage({ headers, now }: GateRequest, path: string): boolean {
    return (
      headers['sec-fetch-site'] === 'same-origin' &&
      headers.referer === undefined &&
      !path.endsWith('/favicon.ico') &&
      now - this.#deps.responder.customPageAt < LOAD_MS
    )
  }
}

function withoutQuery(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? ''
}
