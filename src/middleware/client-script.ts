import { gzipSync } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import type { Links } from '../flows/links.js'
import type { GateRequest } from '../http/gate-request.js'
import { sha256 } from '../http/ids.js'
import type { Mounts } from '../http/mounts.js'
import { redirect, sendScript, type Script } from '../http/response.js'
import type { Config } from '../options/config.js'
import { accentColors } from '../pages/colors.js'
import type { Pages } from '../pages/pages.js'
import type { Responder } from '../pages/respond.js'
import type { PageTexts } from '../pages/texts.js'
import type { Sessions } from '../session/sessions.js'
import { CLIENT_CODE, DIALOGS_CODE } from './client-code.js'
import type { SessionStatus } from './session-status.js'

/** What {@link ClientScript} depends on. */
export interface ClientScriptDeps {
  readonly config: Pick<Config, 'branding'>
  readonly links: Links
  readonly mounts: Mounts
  readonly pages: Pages
  readonly responder: Responder
  readonly sessions: Sessions
  readonly sessionStatus: SessionStatus
}

/** More than a gate has mounts and languages at a time. */
const MAX_SCRIPTS = 50
/** What the module variant exports: the members of `OAuthClient`. */
const MODULE_EXPORTS = `
export const {signIn,signInHere,signOut,session,on,configure}=globalThis.oauthClient
export default globalThis.oauthClient
`
const DEFAULT_COLORS = ['#1f2328', '#fff', '#eceef1', '#16181c'] as const

/**
 * `/auth/client.js`: signs users in again without leaving the page. Its source is in `src/browser`.
 *
 * - `?module`: the same as an ES module.
 * - `?dialogs`: the part that asks the user, which the script loads when it is needed.
 * - `?signed-in`: the page that ends a login in its window.
 * - POST: a request that only counts as activity, for users who want to stay signed in.
 */
export class ClientScript {
  readonly #deps: ClientScriptDeps
  readonly #scripts = new LRUCache<string, Script>({ max: MAX_SCRIPTS })

  constructor(deps: ClientScriptDeps) {
    this.#deps = deps
  }

  /** Responds to a request to the path. */
  async handle(request: GateRequest, query: URLSearchParams): Promise<void> {
    const { req, res, headers } = request
    const { pages, sessionStatus } = this.#deps
    if (req.method === 'POST') return sessionStatus.respond(request, { isActivity: true })
    if (query.has('signed-in')) return this.#closeWindow(request)
    if (!query.has('dialogs')) return sendScript(req, res, this.#core(request, query))
    const texts = pages.textsFor(headers['accept-language'])
    sendScript(req, res, this.#dialogs(texts), pages.isNegotiated ? ['Accept-Language'] : [])
  }

  #core({ mount }: GateRequest, query: URLSearchParams): Script {
    const path = JSON.stringify(this.#deps.mounts.specialPath(mount, 'x').slice(0, -2))
    const script = `(basePath=>{${CLIENT_CODE}})(${path})`
    return this.#prepare(query.has('module') ? script + MODULE_EXPORTS : script)
  }

  #dialogs(texts: PageTexts): Script {
    const { accentColor } = this.#deps.config.branding ?? {}
    const [light, dark] = (['light', 'dark'] as const).map(
      (scheme) => accentColor && accentColors(accentColor, scheme),
    )
    const colors =
      light && dark ? [light.action, light.onAction, dark.action, dark.onAction] : DEFAULT_COLORS
    const values = `const texts=${JSON.stringify(dialogTexts(texts))},colors=${JSON.stringify(colors)};`
    return this.#prepare(values + DIALOGS_CODE)
  }

  #prepare(text: string): Script {
    const known = this.#scripts.get(text)
    if (known !== undefined) return known
    const script = { body: text, gzip: gzipSync(text, { level: 9 }), etag: `W/"${sha256(text)}"` }
    this.#scripts.set(text, script)
    return script
  }

  async #closeWindow(request: GateRequest): Promise<void> {
    const { links, responder, sessions } = this.#deps
    const startUrl = links.safeReturnPath(request.mount)
    const { session } = await sessions.find(request)
    if (session === undefined) redirect(request.res, startUrl)
    else responder.page(request, { signed_in: true }, 'signedIn', { startUrl })
  }
}

/** Those that the dialogs contain. */
function dialogTexts(texts: PageTexts) {
  const { lang, dir, signIn, signInAgain, staySignedIn } = texts
  const { sessionEndedTitle, sessionEnded, signInElsewhere, windowBlocked } = texts
  const { sessionEndingTitle, sessionEnding, otherUserTitle, otherUser, reload } = texts
  const { sendFormTitle, sendForm, send, cancel } = texts
  return {
    ...{ lang, dir, signIn, signInAgain, staySignedIn },
    ...{ sessionEndedTitle, sessionEnded, signInElsewhere, windowBlocked },
    ...{ sessionEndingTitle, sessionEnding, otherUserTitle, otherUser, reload },
    ...{ sendFormTitle, sendForm, send, cancel },
  }
}
