import { isAllowedUrl } from '../http/origin.js'
import type { Field } from '../schema/field.js'
import { map } from '../schema/map.js'
import { isPlainObject } from '../schema/read-fields.js'
import { nearest } from '../schema/suggestions.js'
import {
  custom,
  func,
  object,
  oneOf,
  record,
  seconds,
  string,
  strings,
  url,
} from '../schema/types.js'
import { EVENT_TYPES, isEventType } from './event-types.js'
import type {
  CustomWebhook,
  SignalsOptions,
  TransmitterOptions,
  WebhookOptions,
} from './options.js'

const MIN_SECRET = 16
const ACTIONS = ['end', 'recheck', 'ignore']

const secretString = string({
  max: 8192,
  check: (value) =>
    value.length < MIN_SECRET ? `must have at least ${MIN_SECRET} characters` : undefined,
})

/** One secret, or several of which each is accepted. */
const secretsField = custom<readonly string[]>(
  (value, mistakes) => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    if (values.length === 0) return mistakes.add('is an empty array')
    const secrets = values.map((one) => secretString.parse(one, mistakes))
    return secrets.every((secret) => secret !== undefined) ? secrets : undefined
  },
  { type: 'anyOf', of: [{ type: 'secret' }, { type: 'array', of: { type: 'secret' } }] },
)

const audiences = strings()

const secureUrl = () =>
  url((value) =>
    isAllowedUrl(value)
      ? undefined
      : 'must be an https URL: plain http is accepted only on this machine',
  )

type AccessToken = Exclude<TransmitterOptions['accessToken'], undefined>

const transmitterFields = {
  issuer: secureUrl()
    .required("is missing: set it to the issuer of the tokens, as in 'https://idp.example.com'")
    .describe('Issuer of the security event tokens.'),
  provider: string({ max: 64 }).describe('The provider whose users the signals are about.'),
  audience: custom<readonly string[]>(
    (value, mistakes) => audiences.parse(typeof value === 'string' ? [value] : value, mistakes),
    { type: 'anyOf', of: [{ type: 'string', max: 2048, pattern: undefined }, audiences.schema] },
  ).describe('What the transmitter calls this app. Default: the client ID of the provider.'),
  delivery: oneOf(['push', 'poll']).default('push').describe('How the tokens arrive.'),
  authorization: custom((value, mistakes) => secretString.parse(value, mistakes), {
    type: 'secret',
  }).describe('The Authorization header that pushes must have.'),
  accessToken: custom<AccessToken>(
    (value, mistakes) =>
      typeof value === 'function' ? (value as AccessToken) : secretString.parse(value, mistakes),
    { type: 'secret' },
  ).describe('Access token for the API of the transmitter.'),
  jwksUri: secureUrl().describe('URL of the keys. Default: from the metadata.'),
  streamId: string({ max: 512 }).describe('ID of the stream.'),
  pollUrl: secureUrl().describe('URL to poll. Default: from the stream.'),
  pollInterval: seconds({ min: 0.01, max: 3600 })
    .default(10)
    .describe('Time between two polls without an event.'),
  actions: record(checkAction).describe('What event types cause, where that is not the default.'),
} satisfies Record<keyof TransmitterOptions, Field>

const webhookFields = {
  type: oneOf(['github', 'gitlab'])
    .required("is missing: write 'github' or 'gitlab', or pass a function for another sender")
    .describe('The sender.'),
  secret: secretsField
    .rejectUndefined()
    .required('is missing: set it to the secret of the webhook')
    .describe('The secret of the webhook.'),
  provider: string({ max: 64 }).describe('The provider whose users the webhook is about.'),
} satisfies Record<keyof WebhookOptions, Field>

const vendorWebhook = object(webhookFields)
const customWebhook = func<CustomWebhook>()

type Webhook = Parameters<typeof customWebhook.parse>[0] extends never
  ? never
  : NonNullable<ReturnType<typeof vendorWebhook.parse>> | CustomWebhook

/** The fields of the option `signals`. */
export const signalsFields = {
  transmitters: map(object(transmitterFields)).describe(
    'Transmitters of security event tokens, by name.',
  ),
  webhooks: map(
    custom<Webhook>(
      (value, mistakes) =>
        isPlainObject(value)
          ? vendorWebhook.parse(value, mistakes)
          : customWebhook.parse(value, mistakes),
      vendorWebhook.schema,
    ),
  ).describe('Webhooks, by name.'),
} satisfies Record<keyof SignalsOptions, Field>

/** The option `signals`. */
export const signalsField = object(signalsFields)

function checkAction(name: string, action: string): string | undefined {
  if (!isEventType(name) || EVENT_TYPES[name][1] === ('stream' as string)) {
    const meant = nearest(name, Object.keys(EVENT_TYPES))
    return `has an unknown event type: ${meant === undefined ? 'write the last part of its URI' : `write ${meant}`}`
  }
  return ACTIONS.includes(action) ? undefined : `must have the values ${ACTIONS.join(', ')}`
}
