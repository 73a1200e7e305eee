import { BoundCookies } from '../binding/bound-cookies.js'
import { Challenges } from '../binding/challenges.js'
import { type BindingProblem, DeviceBinding } from '../binding/device-binding.js'
import { Identifiers } from '../binding/identifiers.js'
import { Moves } from '../binding/moves.js'
import { Offers } from '../binding/offers.js'
import type { Config } from '../options/config.js'
import type { CheckParts } from './compose-checks.js'
import type { BaseParts, SessionParts } from './compose-sessions.js'
import type { GateState } from './gate-state.js'
import { Possession } from './possession.js'
import { renewCookie } from './renew-cookie.js'
import { sessionEvent } from './session-events.js'

type Parts = BaseParts & SessionParts & CheckParts

/** Device-bound sessions, and sessions that move. */
export type BindingParts = ReturnType<typeof composeBinding>

const NONE = { binding: undefined, offers: undefined }

/** Creates what compares a session cookie with where it was issued. */
export function composeBinding(config: Config, state: GateState, parts: Parts) {
  const { sessions } = parts
  const { binding, offers } = config.deviceBound ? createBinding(config, state, parts) : NONE
  const moves = new Moves({ sessions, families: state.userAgentFamilies })
  const own = { binding, offers, moves }
  return { ...own, possession: new Possession({ ...parts, ...own, config }) }
}

function createBinding(config: Config, state: GateState, parts: Parts) {
  const { encrypter, events, keepsRecords, mounts, sessionLock, sessions, store } = parts
  const { callbackPaths, clockToleranceMs } = config
  const { offered, used, verified } = state.binding
  const cookies = new BoundCookies({ encrypter, verified, clockToleranceMs })
  const challenges = new Challenges({ encrypter, store, used, clockToleranceMs })
  const shared = { challenges, cookies, mounts }
  const offers = new Offers({
    ...{ ...shared, keepsRecords, offered },
    onHttp: () => report(config, 'http', undefined),
  })
  const binding = new DeviceBinding({
    ...{ ...shared, sessionLock, sessions },
    identifiers: new Identifiers({ encrypter, sessions, keepsRecords }),
    callbackPaths: [...callbackPaths.values()],
    state: state.binding,
    renewCookie: (request, before, after) => renewCookie(sessions, request, before, after),
    onBound: ({ req }, session) =>
      events.emit('device_bound', sessionEvent(session, events.originOf(req))),
    onProblem: (problem, session) => report(config, problem, session?.key),
  })
  return { binding, offers }
}

/** `http`: browsers bind sessions over https only. */
type Problem = BindingProblem | 'http'

const PROBLEMS: Readonly<
  Record<Problem, { level: 'info' | 'warn'; message: string; hint: string }>
> = {
  http: {
    level: 'warn',
    message: 'deviceBound has no effect over http',
    hint: 'browsers bind sessions only over https: serve the app over https, or set baseUrl and trust proxy if a proxy does',
  },
  registration: {
    level: 'info',
    message: 'a session was not bound to a device',
    hint: 'the proof of the browser is invalid, came too late, or the session is bound already',
  },
  proof: {
    level: 'warn',
    message: 'a proof of a device-bound session has an invalid signature',
    hint: 'a client has the identifier of the session, but not its key: someone may have copied its cookies',
  },
}

function report({ logger }: Config, problem: Problem, sessionHandle: string | undefined) {
  const { level, message, hint } = PROBLEMS[problem]
  logger[level](message, { hint, ...(sessionHandle !== undefined && { sessionHandle }) })
}
