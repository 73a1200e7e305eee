import { OAuthError } from '../http/errors.js'
import type { Config } from '../options/config.js'
import { Admission } from '../signals/admission.js'
import { SignalInbox } from '../signals/inbox.js'
import type { Signal } from '../signals/signal.js'
import { Poller } from '../signals/poller.js'
import { PushEndpoint } from '../signals/push-endpoint.js'
import { SetReceiver } from '../signals/set-receiver.js'
import { SignalActions } from '../signals/signal-actions.js'
import { SignalledSessions } from '../signals/signalled-sessions.js'
import { StreamVerification } from '../signals/stream-verification.js'
import { ManagedStreams } from '../signals/streams.js'
import { Transmitter } from '../signals/transmitter.js'
import { WebhookEndpoint } from '../signals/webhook-endpoint.js'
import { RequestedChecks } from '../session/requested-checks.js'
import type { BaseParts, SessionParts } from './compose-sessions.js'
import { describeError } from './error-reporter.js'
import type { GateState } from './gate-state.js'
import type { SignalEndpoints } from './signal-endpoints.js'
import { SignalReceivers } from './signal-receivers.js'
import { signalReporter } from './signal-reports.js'

/** Receives signals; only with the option `signals`. */
export type SignalParts = ReturnType<typeof composeSignals>

/** Creates the parts that receive signals of other systems. */
export function composeSignals(config: Config, state: GateState, parts: BaseParts & SessionParts) {
  const { signals, clockToleranceMs, timeouts, logger } = config
  if (signals === undefined) return { receivers: undefined }
  const reports = signalReporter(logger, parts.events)
  const inbox = new SignalInbox({
    actions: createActions(config, state, parts),
    index: parts.logoutIndex,
    state: state.signalInbox,
    report: reports.report,
  })
  const verification = new StreamVerification({ ...parts, onVerified: reports.onVerified })
  const receiver = new SetReceiver({ inbox, verification, clockToleranceMs, ...reports })
  const transmitters = signals.transmitters.map((one) => new Transmitter(one, timeouts.providerMs))
  const admission = new Admission(state.signalAdmission)
  const pollers = transmitters
    .filter(({ config: { delivery } }) => delivery === 'poll')
    .map((transmitter) => new Poller({ ...parts, ...reports, transmitter, receiver }))
  const webhooks = new WebhookEndpoint({ inbox, admission, clockToleranceMs, ...reports })
  const endpoints: SignalEndpoints = {
    push: transmitters.some(({ config: { delivery } }) => delivery === 'push')
      ? new PushEndpoint({ transmitters, receiver, admission, ...reports })
      : undefined,
    webhooks: new Map(
      signals.webhooks.map((one) => [one.name, (request) => webhooks.handle(request, one)]),
    ),
  }
  return {
    receivers: new SignalReceivers({
      ...{ endpoints, inbox, pollers, transmitters },
      notices: parts.notices,
      streams: new ManagedStreams(transmitters, verification),
    }),
  }
}

function createActions(
  { inactivityTimeoutMs, maximumDurationMs, logger, bearer }: Config,
  state: GateState,
  parts: BaseParts & SessionParts,
): SignalActions {
  const { connections, sessions, store, rows, notices, userEmails: emails } = parts
  return new SignalActions({
    connections,
    sessions,
    signalled: new SignalledSessions({ store, rows, index: parts.logoutIndex, emails }),
    checks: new RequestedChecks({
      store,
      rows,
      lifetimes: { inactivityTimeoutMs, maximumDurationMs },
    }),
    onUser: bearer && ((key, signal) => applyToTokens(key, signal, state, parts)),
    notify: (key) =>
      notices.announce(key, (error) =>
        logger.error('other processes were not told about a session', describeError(error)),
      ),
  })
}

/** A token that its issuer introspects is checked there again; any other is valid until it expires. */
function applyToTokens(
  userKey: string,
  { action, until }: Signal,
  { tokens, tokenSignals }: GateState,
  { background }: BaseParts,
): void {
  tokens.current?.forgetUser(userKey)
  if (action === 'end') tokenSignals.abortUser(userKey, new OAuthError('invalid_token'), until)
  else background.run(tokenSignals.checkUser(userKey))
}
