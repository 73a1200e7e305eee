import type { EventEmitter } from 'node:events'
import type { AuthorizeIds } from '../access/authorize.js'
import type { IssuerClients } from '../bearer/issuer-client.js'
import { type BindingState, createBindingState } from '../binding/binding-state.js'
import { createSeenLogoutTokens, type SeenLogoutTokens } from '../flows/backchannel-logout.js'
import type { PendingChecks } from '../flows/check-result.js'
import type { ProviderClients } from '../flows/connection.js'
import { createLoginRestartState, type LoginRestartState } from '../flows/login-restarts.js'
import { createTokenRefresherState, type TokenRefresherState } from '../flows/refresh-tokens.js'
import { createTestLoginState, type TestLoginState } from '../flows/test-login.js'
import { createMountState, type MountState } from '../http/mount-memory.js'
import { UserAgentFamilies } from '../http/user-agent-family.js'
import type { RetiredCallbackPaths } from '../http/special-paths.js'
import { createTransactionState, type TransactionState } from '../oauth/transaction.js'
import { createSessionState, type SessionState } from '../session/session-state.js'
import { KeyedQueue } from '../session/stores/keyed-queue.js'
import { createInboxState, type InboxState } from '../signals/inbox-state.js'
import type { AdmissionState } from '../signals/admission.js'
import { createUserActivityState, type UserActivityState } from '../session/user-activity.js'
import { type CookieConflictState, createCookieConflictState } from './cookie-conflicts.js'
import type { DevProviderState } from './dev-provider.js'
import { createEventEmitter } from './events.js'
import { GatePasses } from './gate-pass.js'
import { createGuardMemberships, type GuardMemberships } from './guard-memberships.js'
import { createPlacementState, type PlacementState } from './placement.js'
import { createRequestReports, type RequestReports } from './request-events.js'
import { createSignalState, type SignalState } from './session-signals.js'
import { createTokenErrorState, type TokenErrorState } from './token-errors.js'
import type { CurrentTokens } from './token-requests.js'
import { TokenSignals } from './token-signals.js'

/** State that outlives a configuration: plain data, passed to the parts of each configuration. */
export interface GateState {
  /** States of consumed transactions. */
  readonly transactions: TransactionState
  /** Logins that started recently. */
  readonly loginRestarts: LoginRestartState
  /** Recent activity, and sessions that this process ended. */
  readonly sessions: SessionState
  /** When the activity of users was last recorded. */
  readonly userActivity: UserActivityState
  /** The locks of sessions within this process. */
  readonly sessionQueue: KeyedQueue
  /** The IDs of `authorize` functions in stored decisions. */
  readonly authorizeIds: AuthorizeIds
  /** Checks in progress, for single flight. */
  readonly pendingChecks: PendingChecks
  /** Refreshes in progress, and refreshed tokens that are not stored yet. */
  readonly tokenRefreshes: TokenRefresherState
  /** Logout tokens that were accepted. */
  readonly seenLogoutTokens: SeenLogoutTokens
  /** Signals that are being acted on, or that wait to be. */
  readonly signalInbox: InboxState
  /** Bodies of signals that are being read. */
  readonly signalAdmission: AdmissionState
  /**
   * Clients of providers whose options did not change, with the metadata that they have discovered.
   */
  readonly clients: ProviderClients
  /** Work that no response waits for. */
  readonly background: Set<Promise<unknown>>
  /** Callback paths of earlier configurations. */
  readonly retiredCallbackPaths: RetiredCallbackPaths
  /** The mount paths of earlier requests. */
  readonly mounts: MountState
  /** Requests that have passed the gate. */
  readonly passes: GatePasses
  /** Proofs of device-bound sessions. */
  readonly binding: BindingState
  /** Families of the user agents of requests. */
  readonly userAgentFamilies: UserAgentFamilies
  /** The memberships that guards name. */
  readonly guardMemberships: GuardMemberships
  /** Open signals of sessions. */
  readonly signals: SignalState
  /** The listeners of the app. */
  readonly emitter: EventEmitter
  /** Requests in progress, for `http_request_complete`. */
  readonly requestReports: RequestReports
  /** This instance in the registry of the server. */
  readonly cookieConflicts: CookieConflictState
  readonly tokenErrors: TokenErrorState
  /** The development provider, if the gate has started it. */
  readonly devProvider: DevProviderState
  /** Logins of tests. */
  readonly testLogins: TestLoginState
  /** The issuers of access tokens. */
  readonly issuerClients: IssuerClients
  readonly tokens: CurrentTokens
  /** Open signals of access tokens. */
  readonly tokenSignals: TokenSignals
  /** Where the app uses the middleware. */
  readonly placement: PlacementState
}

/** The state of a new middleware. `id` is the option of the same name, which never changes. */
export function createGateState(id: string | undefined): GateState {
  return {
    transactions: createTransactionState(),
    loginRestarts: createLoginRestartState(),
    sessions: createSessionState(),
    userActivity: createUserActivityState(),
    sessionQueue: new KeyedQueue(),
    authorizeIds: new WeakMap(),
    pendingChecks: new Map(),
    tokenRefreshes: createTokenRefresherState(),
    seenLogoutTokens: createSeenLogoutTokens(),
    signalInbox: createInboxState(),
    signalAdmission: new Map(),
    clients: new WeakMap(),
    background: new Set(),
    retiredCallbackPaths: new Map(),
    mounts: createMountState(),
    passes: new GatePasses(),
    binding: createBindingState(),
    userAgentFamilies: new UserAgentFamilies(),
    guardMemberships: createGuardMemberships(),
    signals: createSignalState(),
    emitter: createEventEmitter(),
    requestReports: createRequestReports(),
    cookieConflicts: createCookieConflictState(id),
    tokenErrors: createTokenErrorState(),
    devProvider: { running: undefined },
    testLogins: createTestLoginState(),
    issuerClients: new Map(),
    tokens: { current: undefined },
    tokenSignals: new TokenSignals(),
    placement: createPlacementState(),
  }
}
