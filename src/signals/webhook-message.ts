import type { IncomingHttpHeaders } from 'node:http'
import { isObject } from '../http/json.js'
import type { Members, Signal, Subject } from './signal.js'

/** The JSON of a webhook. */
export type Payload = Readonly<Record<string, unknown>>

/** A webhook as it arrived. */
export interface WebhookMessage {
  readonly headers: IncomingHttpHeaders
  /** Byte for byte; `undefined` if a body parser has replaced it. */
  readonly body: Buffer | undefined
}

/** A signal of a webhook, without what follows from its configuration. */
export interface WebhookEvent extends Pick<Signal, 'type' | 'action' | 'subject'> {
  /** When it happened, in milliseconds; `undefined` if that is not known. */
  readonly at?: number | undefined
}

/** What is specific to a vendor. */
export interface WebhookVendor {
  /** Whether one of the secrets authenticates the message. */
  isAuthentic(message: WebhookMessage, secrets: readonly string[]): boolean
  /** Whether the secrets sign the body, so that its bytes are needed. */
  needsBytes(secrets: readonly string[]): boolean
  /** Identifies the delivery. */
  idOf(message: WebhookMessage): string
  /** What happened; empty for events that are not about access. */
  eventsOf(headers: IncomingHttpHeaders, payload: Payload): readonly WebhookEvent[]
}

/** A header that was sent once. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && value.length <= 1024 ? value : undefined
}

/** A signal about the user with this ID at the provider. */
export function aboutUser(
  type: string,
  action: Signal['action'],
  id: unknown,
  at?: number,
): readonly WebhookEvent[] {
  if (!Number.isSafeInteger(id)) return [{ type, action, subject: NO_SUBJECT }]
  const users = [{ by: 'id', id: String(id) }] as const
  return [{ type, action, subject: { users, sessions: [], unsupported: [] }, at }]
}

/** A signal about everyone in an organization or group. */
export function aboutMembers(
  type: string,
  list: Members['list'],
  name: unknown,
): readonly WebhookEvent[] {
  if (typeof name !== 'string' || name === '')
    return [{ type, action: 'recheck', subject: NO_SUBJECT }]
  const members = { list, name: name.toLowerCase() }
  const subject = { users: [], sessions: [], members, unsupported: [] }
  return [{ type, action: 'recheck', subject }]
}

/** A member of a payload that is an object. */
export function objectAt(payload: Payload, name: string): Payload {
  const value = payload[name]
  return isObject(value) ? value : {}
}

const NO_SUBJECT: Subject = { users: [], sessions: [], unsupported: ['a payload without a user'] }
