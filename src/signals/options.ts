import type { IncomingHttpHeaders } from 'node:http'

/**
 * What a signal causes: `'end'` ends the sessions that it names, `'recheck'` makes their next
 * request check the user, and `'ignore'` only acknowledges it.
 */
export type SignalAction = 'end' | 'recheck' | 'ignore'

/** Signals of other systems about users: the option `signals`. */
export interface SignalsOptions {
  /**
   * Transmitters of security event tokens (Shared Signals Framework, CAEP, RISC), by a name of your
   * choice. They push to `<basePath>/signals`, or are polled.
   */
  transmitters?: Readonly<Record<string, TransmitterOptions>> | undefined
  /** Webhooks, by a name of your choice: each is sent to `<basePath>/webhooks/NAME`. */
  webhooks?: Readonly<Record<string, WebhookOptions | CustomWebhook>> | undefined
}

/** A transmitter of security event tokens. */
export interface TransmitterOptions {
  /** Issuer of the tokens, from which the transmitter's metadata and keys are discovered. */
  issuer: string
  /**
   * The provider whose users the signals are about: signals about users of another one are ignored.
   * Default: the provider with the same issuer, or the only provider.
   */
  provider?: string | undefined
  /**
   * Accepted values of `aud`: what the transmitter calls this app. Default: the client ID of the
   * provider.
   */
  audience?: string | readonly string[] | undefined
  /** Whether the transmitter pushes its tokens, or is polled. Default `'push'`. */
  delivery?: 'push' | 'poll' | undefined
  /**
   * The `Authorization` header that pushes must have, in full, as in `'Bearer …'`: at least 16
   * characters. Default: the signatures of the tokens are enough.
   */
  authorization?: string | undefined
  /**
   * Access token for polling, and for creating and verifying the stream, or a function that returns
   * one. Default: none.
   */
  accessToken?: string | (() => string | Promise<string>) | undefined
  /** URL of the transmitter's keys. Default: from its metadata. */
  jwksUri?: string | undefined
  /** ID of the stream, as `signals.createStream()` returns it. Default: the only stream. */
  streamId?: string | undefined
  /** URL to poll. Default: from the configuration of the stream. */
  pollUrl?: string | undefined
  /** Seconds between two polls without an event. Default `10`. */
  pollInterval?: number | undefined
  /**
   * What event types cause, where that is not the default: by the last part of their URI, as in
   * `{ 'credential-change': 'end' }`.
   */
  actions?: Readonly<Record<string, SignalAction>> | undefined
}

/** A webhook of GitHub or GitLab. */
export interface WebhookOptions {
  /** The sender. */
  type: 'github' | 'gitlab'
  /**
   * GitHub: the secret of the webhook, which signs it. GitLab: its secret token. At least 16
   * characters; with several, each is accepted, for rotation.
   */
  secret: string | readonly string[]
  /** The provider whose users the webhook is about. Default: the provider named like `type`. */
  provider?: string | undefined
}

/** A request to a custom webhook. */
export interface WebhookRequest {
  /** The headers, with names in lower case. */
  readonly headers: IncomingHttpHeaders
  /** The body, byte for byte: sign and compare this. */
  readonly body: Buffer
}

/** A signal of a custom webhook. */
export interface WebhookSignal {
  /** The user: `key` as in `req.user.key`, or an email address at a provider. */
  readonly user: { readonly key: string } | { readonly provider: string; readonly email: string }
  /** What it causes. */
  readonly action: 'end' | 'recheck'
  /** What happened, for log and events. Default: the name of the webhook. */
  readonly type?: string | undefined
  /**
   * When it happened, in milliseconds: sessions that began later are not affected. Default: when the
   * request arrived.
   */
  readonly at?: number | undefined
}

/** What a custom webhook contains. */
export interface WebhookDelivery {
  /** Identifies the delivery: another one with the same ID changes nothing. */
  readonly id: string
  /** The signals. */
  readonly signals: readonly WebhookSignal[]
}

/**
 * Reads a webhook of any sender. Must verify that the request is authentic, within 5 seconds, and
 * return `undefined` if it is not: the response is then 401. If it throws, the response is 500, so
 * that the sender repeats it.
 */
export type CustomWebhook = (
  request: WebhookRequest,
) => WebhookDelivery | undefined | Promise<WebhookDelivery | undefined>
