import { isObject } from '../http/json.js'
import type { CustomWebhook, WebhookRequest } from './options.js'
import type { Signal, UserIdentifier } from './signal.js'
import { withTimeout } from '../http/timeout.js'

const TIMEOUT_MS = 5_000
const MAX_SIGNALS = 1_000
const MAX_ID = 1_024

/** What a custom webhook contains, without what follows from its configuration. */
export interface CustomDelivery {
  readonly id: string
  readonly signals: readonly (Omit<Signal, 'issuers' | 'until'> & {
    readonly at: number | undefined
  })[]
}

/**
 * Calls the function of a webhook. Resolves to `undefined` if it does not consider the request
 * authentic. Throws what the function throws, and an `Error` for a result of another form.
 */
export async function readCustomWebhook(
  read: CustomWebhook,
  request: WebhookRequest,
  name: string,
): Promise<CustomDelivery | undefined> {
  const result: unknown = await withTimeout(TIMEOUT_MS, 'the function of the webhook', () =>
    read(request),
  )
  if (result === undefined) return undefined
  if (!isObject(result)) throw malformed('an object or undefined')
  const { id, signals } = result
  if (typeof id !== 'string' || id === '' || id.length > MAX_ID) throw malformed('an id')
  if (!Array.isArray(signals) || signals.length > MAX_SIGNALS) throw malformed('an array signals')
  return { id, signals: signals.map((signal) => readSignal(signal, name)) }
}

function readSignal(signal: unknown, name: string): CustomDelivery['signals'][number] {
  if (!isObject(signal) || !isObject(signal['user'])) throw malformed('a user in each signal')
  const { action, type = name, at } = signal
  if (action !== 'end' && action !== 'recheck') throw malformed("the action 'end' or 'recheck'")
  if (typeof type !== 'string') throw malformed('a string as type')
  if (at !== undefined && typeof at !== 'number') throw malformed('a number as at')
  const { provider, identifier } = readUser(signal['user'])
  const subject = { users: [identifier], sessions: [], unsupported: [] }
  return { type: type.slice(0, 64), action, provider, subject, at }
}

function readUser({ key, provider, email }: Readonly<Record<string, unknown>>): {
  readonly provider: string
  readonly identifier: UserIdentifier
} {
  if (typeof key === 'string' && key.includes(':'))
    return { provider: key.slice(0, key.indexOf(':')), identifier: { by: 'key', key } }
  if (typeof provider === 'string' && typeof email === 'string')
    return { provider, identifier: { by: 'email', email } }
  throw malformed('a key, or provider and email, in each user')
}

function malformed(expected: string): Error {
  return new Error(`the function of the webhook must return ${expected}`)
}
