import type { SignalAction } from './options.js'

/** What an event type causes; `'stream'` is about the stream, not about a user. */
export type EventAction = SignalAction | 'stream'

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/'
const OAUTH = 'https://schemas.openid.net/secevent/oauth/event-type/'

/** The namespaces of event types: other types may end with the same words. */
const NAMESPACES = [CAEP, RISC, SSF, OAUTH]

/**
 * Every event type with its namespace and what it causes by default. A revocation ends sessions; a
 * change has the user checked, since only the provider decides what follows from it. (CAEP 1.0, 3;
 * RISC 1.0, 2; SSF 1.0, 8.1.4 and 8.1.5)
 */
export const EVENT_TYPES = {
  'session-revoked': [CAEP, 'end'],
  'token-claims-change': [CAEP, 'recheck'],
  'credential-change': [CAEP, 'recheck'],
  'assurance-level-change': [CAEP, 'recheck'],
  'device-compliance-change': [CAEP, 'recheck'],
  'risk-level-change': [CAEP, 'recheck'],
  'session-established': [CAEP, 'ignore'],
  'session-presented': [CAEP, 'ignore'],
  'account-credential-change-required': [RISC, 'recheck'],
  'account-purged': [RISC, 'end'],
  'account-disabled': [RISC, 'end'],
  'account-enabled': [RISC, 'recheck'],
  'identifier-changed': [RISC, 'recheck'],
  // The address belongs to another user from now on.
  'identifier-recycled': [RISC, 'end'],
  'credential-compromise': [RISC, 'end'],
  'opt-in': [RISC, 'ignore'],
  'opt-out-initiated': [RISC, 'ignore'],
  'opt-out-cancelled': [RISC, 'ignore'],
  'opt-out-effective': [RISC, 'ignore'],
  'recovery-activated': [RISC, 'ignore'],
  'recovery-information-changed': [RISC, 'recheck'],
  'sessions-revoked': [RISC, 'end'],
  // Google: https://developers.google.com/identity/protocols/risc#supported_event_types
  'tokens-revoked': [OAUTH, 'end'],
  'token-revoked': [OAUTH, 'recheck'],
  verification: [SSF, 'stream'],
  'stream-updated': [SSF, 'stream'],
} as const satisfies Record<string, readonly [namespace: string, action: EventAction]>

/** The last part of the URI of an event type. */
export type EventType = keyof typeof EVENT_TYPES

/** Whether the text is the last part of a known URI. */
export function isEventType(name: string): name is EventType {
  return Object.hasOwn(EVENT_TYPES, name)
}

/** The event type of a URI; `undefined` for unknown ones. RISC had a verification event as well. */
export function eventTypeOf(uri: string): EventType | undefined {
  const namespace = NAMESPACES.find((prefix) => uri.startsWith(prefix))
  const name = namespace === undefined ? '' : uri.slice(namespace.length)
  if (!isEventType(name)) return undefined
  return namespace === EVENT_TYPES[name][0] || (name === 'verification' && namespace === RISC)
    ? name
    : undefined
}

/** What an event type causes. */
export function actionOf(
  type: EventType,
  actions: Readonly<Record<string, SignalAction>>,
): EventAction {
  const [, action] = EVENT_TYPES[type]
  return action === 'stream' ? action : (actions[type] ?? action)
}

/** The URIs to request of a transmitter: those that cause something. */
export function requestedEvents(
  actions: Readonly<Record<string, SignalAction>>,
): readonly string[] {
  return Object.entries(EVENT_TYPES)
    .filter(([name, [, action]]) => action !== 'stream' && (actions[name] ?? action) !== 'ignore')
    .map(([name, [namespace]]) => namespace + name)
}
