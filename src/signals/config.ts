import type { Provider } from '../access/provider.js'
import type { Mistakes, Values } from '../schema/field.js'
import { nearest } from '../schema/suggestions.js'
import { isCookieStore } from '../session/stores/cookie-store.js'
import type { signalsFields } from './fields.js'
import type { CustomWebhook, SignalAction } from './options.js'
import { isSameIssuer } from './issuer.js'

type SignalsValues = Values<typeof signalsFields>

/** A transmitter with the provider whose users it is about. */
export interface TransmitterConfig {
  readonly name: string
  readonly issuer: string
  /** The name of the provider. */
  readonly provider: string
  /** Issuers whose subjects the transmitter may name: its own, and that of the provider. */
  readonly subjectIssuers: readonly string[]
  readonly audience: readonly string[]
  readonly delivery: 'push' | 'poll'
  readonly authorization: string | undefined
  readonly accessToken: string | (() => string | Promise<string>) | undefined
  readonly jwksUri: string | undefined
  readonly streamId: string | undefined
  readonly pollUrl: string | undefined
  readonly pollIntervalMs: number
  readonly actions: Readonly<Record<string, SignalAction>>
}

/** A webhook of GitHub or GitLab. */
export interface VendorWebhookConfig {
  readonly name: string
  readonly type: 'github' | 'gitlab'
  readonly secrets: readonly string[]
  readonly provider: string
}

/** A webhook that a function of the app reads. */
export interface CustomWebhookConfig {
  readonly name: string
  readonly type: 'custom'
  readonly read: CustomWebhook
}

/** The option `signals`. */
export interface SignalsConfig {
  readonly transmitters: readonly TransmitterConfig[]
  readonly webhooks: readonly (VendorWebhookConfig | CustomWebhookConfig)[]
}

/** Assigns transmitters and webhooks to providers. */
export function resolveSignals(
  values: SignalsValues | undefined,
  { providers, store }: { providers: readonly Provider[]; store: unknown },
  mistakes: Mistakes,
): SignalsConfig | undefined {
  if (values === undefined) return undefined
  if (isCookieStore(store)) mistakes.add(COOKIES)
  const { transmitters = {}, webhooks = {} } = values
  if (Object.keys({ ...transmitters, ...webhooks }).length === 0) {
    mistakes.add('is empty: add transmitters or webhooks, or leave it out')
    return undefined
  }
  const config = {
    transmitters: Object.entries(transmitters).flatMap(([name, options]) => {
      const at = mistakes.at('transmitters').at(name)
      return resolveTransmitter(name, options, providers, at) ?? []
    }),
    webhooks: Object.entries(webhooks).flatMap(([name, options]) => {
      const at = mistakes.at('webhooks').at(name)
      return resolveWebhook(name, options, providers, at) ?? []
    }),
  }
  rejectSharedIssuers(config.transmitters, mistakes.at('transmitters'))
  return config
}

const COOKIES =
  'cannot be used with cookieStore(): a signal comes without the cookie whose session it should end. Set a store such as redisStore()'

type TransmitterValues = NonNullable<SignalsValues['transmitters']>[string]
type WebhookValues = NonNullable<SignalsValues['webhooks']>[string]

function resolveTransmitter(
  name: string,
  { pollInterval, audience, actions, ...options }: TransmitterValues,
  providers: readonly Provider[],
  mistakes: Mistakes,
): TransmitterConfig | undefined {
  const provider = providerOfTransmitter(options, providers, mistakes)
  if (options.delivery === 'poll' && options.authorization !== undefined)
    mistakes.at('authorization').add('has no effect with a transmitter that is polled')
  if (options.delivery === 'push' && options.pollUrl !== undefined)
    mistakes.at('pollUrl').add("has no effect without delivery: 'poll'")
  if (
    options.delivery === 'poll' &&
    options.pollUrl === undefined &&
    options.accessToken === undefined
  )
    mistakes.add('needs accessToken, or pollUrl, with delivery: poll')
  if (provider === undefined) return undefined
  return {
    ...options,
    name,
    provider: provider.name,
    subjectIssuers: [options.issuer, ...(provider.issuer === undefined ? [] : [provider.issuer])],
    audience: audience ?? [provider.clientId],
    pollIntervalMs: pollInterval,
    actions: (actions ?? {}) as Readonly<Record<string, SignalAction>>,
  }
}

function providerOfTransmitter(
  { provider: name, issuer }: Pick<TransmitterValues, 'provider' | 'issuer'>,
  providers: readonly Provider[],
  mistakes: Mistakes,
): Provider | undefined {
  if (name !== undefined) return providerNamed(name, providers, mistakes)
  const same = providers.filter(
    (one) => one.issuer !== undefined && isSameIssuer(one.issuer, issuer),
  )
  const [provider, second] = same.length > 0 ? same : providers
  if (provider !== undefined && second === undefined) return provider
  return mistakes
    .at('provider')
    .add(`is missing: name the provider whose users the signals are about: ${namesOf(providers)}`)
}

function resolveWebhook(
  name: string,
  options: WebhookValues,
  providers: readonly Provider[],
  mistakes: Mistakes,
): VendorWebhookConfig | CustomWebhookConfig | undefined {
  if (typeof options === 'function') return { name, type: 'custom', read: options }
  const { type, secret } = options
  const provider = providerNamed(options.provider ?? type, providers, mistakes)
  return provider && { name, type, secrets: secret, provider: provider.name }
}

function providerNamed(
  name: string,
  providers: readonly Provider[],
  mistakes: Mistakes,
): Provider | undefined {
  const provider = providers.find((one) => one.name === name)
  if (provider !== undefined) return provider
  const meant = nearest(
    name,
    providers.map((one) => one.name),
  )
  return mistakes
    .at('provider')
    .add(
      meant === undefined
        ? `must be the name of a provider: ${namesOf(providers)}`
        : `is misspelled: write ${meant}`,
    )
}

/** The issuer of a token decides which transmitter has sent it. */
function rejectSharedIssuers(transmitters: readonly TransmitterConfig[], mistakes: Mistakes): void {
  for (const [index, { name, issuer }] of transmitters.entries())
    if (transmitters.slice(0, index).some((other) => isSameIssuer(other.issuer, issuer)))
      mistakes.at(name).at('issuer').add('is that of another transmitter: one entry is enough')
}

function namesOf(providers: readonly Provider[]): string {
  return providers.map(({ name }) => name).join(', ')
}
