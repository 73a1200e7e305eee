import type { Config } from '../options/config.js'
import { composeBearer } from './compose-bearer.js'
import { composeBinding } from './compose-binding.js'
import { composeChecks } from './compose-checks.js'
import { composeFlows } from './compose-flows.js'
import { composeGate } from './compose-gate.js'
import { composeSignals } from './compose-signals.js'
import { composeBase, composeSessions } from './compose-sessions.js'
import type { GateState } from './gate-state.js'

/** The parts of a gate under one configuration. */
export type Composition = ReturnType<typeof compose>

/** Builds every part from scratch. What outlives the configuration is in the state. */
export function compose(config: Config, state: GateState) {
  const base = composeBase(config, state)
  const sessions = composeSessions(config, state, base)
  const signalling = composeSignals(config, state, { ...base, ...sessions })
  const checks = composeChecks(config, state, { ...base, ...sessions })
  const binding = composeBinding(config, state, { ...base, ...sessions, ...checks })
  const inner = { ...base, ...sessions, ...checks, ...binding }
  const flows = composeFlows(config, state, inner)
  const bearer = composeBearer(config, state, { ...base, ...sessions })
  const gate = composeGate(config, state, { ...inner, ...signalling, ...flows, ...bearer })
  return { config, ...inner, ...signalling, ...bearer, ...gate }
}
