import { BoundCookies } from '../binding/bound-cookies.js'
import { Challenges } from '../binding/challenges.js'
import { type BindingProblem, DeviceBinding } from '../binding/device-binding.js'
import { Identifiers } from '../binding/identifiers.js'
import { Moves } from '../binding/moves.js'
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

/** Creates what compares a session cookie with where it was issued. */
export function composeBinding(config: Config, state: GateState, parts: Parts) {
  const { sessions } = parts
  const binding = config.deviceBound ? createBinding(config, state, parts) : undefined
  const moves = new Moves({ sessions, families: state.userAgentFamilies })
  return { binding, moves, possession: new Possession({ ...parts, config, binding, moves }) }
}

function createBinding(config: Config, state: GateState, parts: Parts): DeviceBinding {
  const { encrypter, events, keepsRecords, mounts, sessionLock, sessions, store } = parts
  const { callbackPaths, clockToleranceMs } = config
  const { used, verified } = state.binding
  return new DeviceBinding({
    ...{ mounts, sessionLock, sessions },
    cookies: new BoundCookies({ encrypter, verified, clockToleranceMs }),
    challenges: new Challenges({ encrypter, store, used, clockToleranceMs }),
    identifiers: new Identifiers({ encrypter, sessions, keepsRecords }),
    callbackPaths: [...callbackPaths.values()],
    state: state.binding,
    renewCookie: (request, before, after) => renewCookie(sessions, request, before, after),
    onBound: (session) => events.emit('device_bound', sessionEvent(session)),
    onProblem: (problem, session) => report(config, problem, session?.key),
  })
}

const PROBLEMS: Readonly<
  Record<BindingProblem, { level: 'info' | 'warn'; message: string; hint: string }>
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

function report({ logger }: Config, problem: BindingProblem, sessionHandle: string | undefined) {
  const { level, message, hint } = PROBLEMS[problem]
  logger[level](message, { hint, ...(sessionHandle !== undefined && { sessionHandle }) })
}
