import type { DeviceBinding } from '../binding/device-binding.js'
import type { Offers } from '../binding/offers.js'
import { type Move, type Moves, placesOf } from '../binding/moves.js'
import type { IncomingGateRequest } from '../http/gate-request.js'
import type { AppRequest } from '../http/request.js'
import type { Config } from '../options/config.js'
import type { AnonymousResult, OpenSession, Sessions } from '../session/sessions.js'
import type { Awaitable } from '../session/stores/store.js'
import type { Events } from './events.js'
import { emitMove } from './session-events.js'

/** What {@link Possession} depends on. */
export interface PossessionDeps {
  readonly config: Pick<Config, 'logger' | 'onMove'>
  readonly sessions: Sessions
  readonly events: Events
  /** `undefined` if sessions are not bound to devices. */
  readonly binding: DeviceBinding | undefined
  readonly offers: Offers | undefined
  readonly moves: Moves
}

/** Whether anything follows when a session moves. */
export function watchesMoves({ onMove }: Pick<Config, 'onMove'>, events: Events): boolean {
  return onMove !== 'tell' || events.hasListener('moved')
}

/**
 * Whether a session cookie is still where it was issued: with the device of a bound session, in the
 * same browser and network. The hot path costs nothing more for sessions that are not bound, while
 * no one listens for moves.
 */
export class Possession {
  readonly #deps: PossessionDeps

  constructor(deps: PossessionDeps) {
    this.#deps = deps
  }

  /** Why a session does not count for this request; `undefined` if it does. */
  check(
    request: IncomingGateRequest,
    session: OpenSession,
  ): Awaitable<AnonymousResult> | undefined {
    const { binding, config, events, moves, offers } = this.#deps
    if (binding !== undefined && !binding.isProven(request, session))
      return { reason: 'expired', mustRefresh: binding.recover(request, session) }
    offers?.afterLogin(request, session)
    if (!watchesMoves(config, events)) return undefined
    const move = moves.find(request, session)
    return move && this.#act(request, session, move)
  }

  #act(
    { req }: IncomingGateRequest,
    session: OpenSession,
    move: Move,
  ): Awaitable<AnonymousResult> | undefined {
    const { config, events, moves } = this.#deps
    const { logger, onMove } = config
    emitMove({ events, logger }, session, move, onMove, req)
    if (onMove !== 'tell') return this.#end(req, session, onMove === 'login' ? move : undefined)
    moves.accept(session, move)
    return undefined
  }

  /** A login that follows is not asked for again in any of the places that led to it. */
  async #end(
    req: AppRequest,
    session: OpenSession,
    move: Move | undefined,
  ): Promise<AnonymousResult> {
    await this.#deps.sessions.destroy(session.key, 'moved', req)
    return { reason: 'revoked', seen: move && placesOf(move) }
  }
}
