import type { GateRequest } from '../http/gate-request.js'
import type { PushEndpoint } from '../signals/push-endpoint.js'

/** The special paths of the option `signals`. */
export interface SignalEndpoints {
  /** `undefined` if no transmitter pushes. */
  readonly push: PushEndpoint | undefined
  /** By name. */
  readonly webhooks: ReadonlyMap<string, (request: GateRequest) => Promise<void>>
}
