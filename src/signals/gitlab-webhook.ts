import { createHmac } from 'node:crypto'
import { isSameSecret, sha256 } from '../http/ids.js'
import {
  aboutMembers,
  aboutUser,
  headerOf,
  type Payload,
  type WebhookEvent,
  type WebhookMessage,
  type WebhookVendor,
} from './webhook-message.js'

/** Signing tokens, as opposed to secret tokens, have this prefix. (Standard Webhooks) */
const SIGNING_TOKEN = 'whsec_'
const MAX_SIGNATURE_AGE_MS = 300_000

/**
 * System hooks, and member events of group hooks, of GitLab.
 * https://docs.gitlab.com/administration/system_hooks/
 * https://docs.gitlab.com/user/project/integrations/webhook_events/#group-member-events
 */
export const gitlabWebhook: WebhookVendor = {
  isAuthentic: (message, secrets) =>
    secrets.some((secret) =>
      secret.startsWith(SIGNING_TOKEN)
        ? isSigned(message, secret)
        : isSameSecret(headerOf(message.headers, 'x-gitlab-token') ?? '', secret),
    ),
  needsBytes: (secrets) => secrets.some((secret) => secret.startsWith(SIGNING_TOKEN)),
  /** Since GitLab 17.4, each delivery has an `Idempotency-Key`, which stays when it is repeated. */
  idOf({ headers, body }) {
    const key = headerOf(headers, 'idempotency-key')
    if (key !== undefined) return key
    const event = headerOf(headers, 'x-gitlab-event-uuid') ?? ''
    return `${event} ${sha256(body?.toString('latin1') ?? '')}`
  },
  eventsOf(_headers, payload) {
    const name = payload['event_name']
    return typeof name === 'string' ? eventsOf(name, payload) : []
  },
}

function eventsOf(name: string, payload: Payload): readonly WebhookEvent[] {
  const id = payload['user_id']
  switch (name) {
    case 'user_add_to_group':
    case 'user_remove_from_group':
    case 'user_update_for_group':
    case 'user_add_to_team':
    case 'user_remove_from_team':
    case 'user_update_for_team':
    case 'user_rename':
      return aboutUser(name, 'recheck', id)
    case 'user_destroy':
      return aboutUser(name, 'end', id, timeOf(payload))
    // Sent when a blocked user tries to sign in.
    case 'user_failed_login':
      return isBlocked(payload['state']) ? aboutUser(name, 'end', id, timeOf(payload)) : []
    case 'group_destroy':
      return aboutMembers(name, 'groups', payload['full_path'] ?? payload['path'])
    case 'group_rename':
      return aboutMembers(name, 'groups', payload['old_full_path'] ?? payload['old_path'])
    default:
      return []
  }
}

function isBlocked(state: unknown): boolean {
  return ['blocked', 'ldap_blocked', 'banned', 'deactivated'].includes(String(state))
}

/** Sessions that began later belong to a user who was unblocked or created since. */
function timeOf({ updated_at: time }: Payload): number | undefined {
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

/** https://www.standardwebhooks.com */
function isSigned({ headers, body }: WebhookMessage, secret: string): boolean {
  const [id, timestamp] = ['webhook-id', 'webhook-timestamp'].map((name) => headerOf(headers, name))
  if (id === undefined || timestamp === undefined || body === undefined) return false
  const age = Date.now() - Number(timestamp) * 1000
  if (!(Math.abs(age) <= MAX_SIGNATURE_AGE_MS)) return false
  const key = Buffer.from(secret.slice(SIGNING_TOKEN.length), 'base64')
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body)
  const expected = `v1,${mac.digest('base64')}`
  const signatures = (headerOf(headers, 'webhook-signature') ?? '').split(' ')
  return signatures.some((signature) => isSameSecret(signature, expected))
}
