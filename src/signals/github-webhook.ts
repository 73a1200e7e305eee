import { createHmac } from 'node:crypto'
import { isSameSecret } from '../http/ids.js'
import {
  aboutMembers,
  aboutUser,
  headerOf,
  objectAt,
  type Payload,
  type WebhookEvent,
  type WebhookVendor,
} from './webhook-message.js'

/**
 * Webhooks of GitHub. Their payloads have no time, and may arrive late or out of order: they have the
 * user checked, and GitHub itself returns what is true now.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads
 */
export const githubWebhook: WebhookVendor = {
  /** https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
  isAuthentic({ headers, body }, secrets) {
    const signature = headerOf(headers, 'x-hub-signature-256') ?? ''
    return (
      body !== undefined &&
      secrets.some((secret) => {
        const expected = createHmac('sha256', secret).update(body).digest('hex')
        return isSameSecret(signature, `sha256=${expected}`)
      })
    )
  },
  needsBytes: () => true,
  idOf: ({ headers }) =>
    headerOf(headers, 'x-github-delivery') ?? headerOf(headers, 'x-hub-signature-256') ?? '',
  eventsOf(headers, payload) {
    const name = headerOf(headers, 'x-github-event') ?? ''
    const action = typeof payload['action'] === 'string' ? payload['action'] : ''
    return eventsOf(name, action, payload)
  },
}

function eventsOf(name: string, action: string, payload: Payload): readonly WebhookEvent[] {
  const type = `${name}.${action}`
  const organization = objectAt(payload, 'organization')['login']
  switch (name) {
    case 'organization': {
      if (action === 'member_invited') return []
      if (action === 'member_added' || action === 'member_removed')
        return aboutUser(type, 'recheck', objectAt(objectAt(payload, 'membership'), 'user')['id'])
      return aboutMembers(type, 'organizations', formerLogin(payload) ?? organization)
    }
    // A team, although the name is more general.
    case 'membership':
      return aboutUser(type, 'recheck', objectAt(payload, 'member')['id'])
    case 'team':
      return ['added_to_repository', 'removed_from_repository', 'created'].includes(action)
        ? []
        : aboutMembers(type, 'organizations', organization)
    case 'org_block':
      return aboutUser(type, 'recheck', objectAt(payload, 'blocked_user')['id'])
    case 'github_app_authorization':
      return aboutUser(type, 'recheck', objectAt(payload, 'sender')['id'])
    // Without it, the app cannot read the memberships of the organization.
    case 'installation':
      return isOrganization(payload) && ['deleted', 'suspend', 'unsuspend'].includes(action)
        ? aboutMembers(type, 'organizations', accountOf(payload)['login'])
        : []
    default:
      return []
  }
}

/** Sessions still have the name that the organization had before. */
function formerLogin(payload: Payload): unknown {
  return objectAt(objectAt(payload, 'changes'), 'login')['from']
}

function accountOf(payload: Payload): Payload {
  return objectAt(objectAt(payload, 'installation'), 'account')
}

function isOrganization(payload: Payload): boolean {
  return accountOf(payload)['type'] === 'Organization'
}
