import type { IncomingHttpHeaders } from 'node:http'
import { OAuthError } from '../http/errors.js'
import type { GateRequest } from '../http/gate-request.js'
import { isObject, isTooDeep, parseJson } from '../http/json.js'
import { type BodyFault, readRawBody } from '../http/raw-body.js'
import { sendJson } from '../http/response.js'
import type { Admission } from './admission.js'
import type { CustomWebhookConfig, SignalsConfig, VendorWebhookConfig } from './config.js'
import { readCustomWebhook } from './custom-webhook.js'
import { describeFailure } from './failures.js'
import { githubWebhook } from './github-webhook.js'
import { gitlabWebhook } from './gitlab-webhook.js'
import type { SignalInbox } from './inbox.js'
import type { Delivery, SignalReport } from './signal.js'
import type { WebhookVendor } from './webhook-message.js'

/** What {@link WebhookEndpoint} depends on. */
export interface WebhookEndpointDeps {
  readonly inbox: SignalInbox
  readonly admission: Admission
  readonly clockToleranceMs: number
  readonly report: (report: SignalReport) => void
  readonly onRejected: (source: string, hint: string) => void
  /** Reports that a function of the app failed. */
  readonly onFunctionError: (source: string, error: unknown) => void
}

type WebhookConfig = SignalsConfig['webhooks'][number]

const MAX_BYTES = 256 * 1024

const vendors: Readonly<Record<VendorWebhookConfig['type'], WebhookVendor>> = {
  github: githubWebhook,
  gitlab: gitlabWebhook,
}

const FAULTS: Readonly<Record<BodyFault, readonly [status: number, hint: string]>> = {
  'too large': [413, `the body has more than ${MAX_BYTES} bytes`],
  late: [400, 'the body did not arrive in time'],
  incomplete: [400, 'the body ended early'],
  parsed: [
    400,
    'a body parser in front of the gate has replaced the bytes that the signature covers: mount the gate before it, or keep them with express.json({ verify: (req, res, bytes) => { req.rawBody = bytes } })',
  ],
}

/** A webhook that is not accepted. */
class WebhookError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** `/auth/webhooks/NAME` */
export class WebhookEndpoint {
  readonly #deps: WebhookEndpointDeps

  constructor(deps: WebhookEndpointDeps) {
    this.#deps = deps
  }

  /** Responds 202; 4xx for a webhook that is not accepted; 5xx if its sender should repeat it. */
  async handle(request: GateRequest, webhook: WebhookConfig): Promise<void> {
    const { admission, onRejected } = this.#deps
    const { req, res } = request
    try {
      const done = await admission.run(req, async () => {
        await this.#receive(request, webhook)
        return true
      })
      if (done === undefined) throw new OAuthError('store_unavailable', { hint: BUSY })
      sendJson(res, 202, {})
    } catch (error) {
      onRejected(webhook.name, describeFailure(error))
      const status = error instanceof WebhookError ? error.status : 503
      const headers: Record<string, string> = status === 503 ? { 'Retry-After': '5' } : {}
      sendJson(res, status, { error: CODES[status] ?? 'try_again' }, headers)
    }
  }

  async #receive({ req, res }: GateRequest, webhook: WebhookConfig): Promise<void> {
    const { bytes, fault } = await readRawBody(req, res, MAX_BYTES)
    const needsBytes =
      webhook.type === 'custom' || vendors[webhook.type].needsBytes(webhook.secrets)
    if (fault !== undefined && (fault !== 'parsed' || needsBytes))
      throw new WebhookError(...FAULTS[fault])
    const message = { headers: req.headers, body: bytes }
    const delivery =
      webhook.type === 'custom'
        ? await this.#readCustom(webhook, { ...message, body: bytes ?? Buffer.alloc(0) })
        : this.#readVendor(webhook, message, (req as { body?: unknown }).body)
    if (delivery.signals.length > 0) await this.#deps.inbox.accept(delivery)
  }

  #readVendor(
    { name, type, provider, secrets }: VendorWebhookConfig,
    message: Parameters<WebhookVendor['isAuthentic']>[0],
    parsed: unknown,
  ): Delivery {
    const { report, clockToleranceMs } = this.#deps
    const vendor = vendors[type]
    if (!vendor.isAuthentic(message, secrets)) throw new WebhookError(401, NOT_AUTHENTIC)
    const payload = message.body === undefined ? parsed : payloadOf(message.body, message.headers)
    if (!isObject(payload) || isTooDeep(payload))
      throw new WebhookError(400, 'the body is not a JSON object')
    const events = vendor.eventsOf(message.headers, payload)
    if (events.length === 0)
      report({ source: name, type: 'other', provider, outcome: 'ignored', sessions: 0 })
    const signals = events.map(({ at = Date.now(), ...event }) => ({
      ...event,
      provider,
      issuers: [],
      until: at + 1000 + clockToleranceMs,
    }))
    return { source: name, id: vendor.idOf(message), signals }
  }

  async #readCustom(
    { name, read }: CustomWebhookConfig,
    request: Parameters<typeof read>[0],
  ): Promise<Delivery> {
    const custom = await readCustomWebhook(read, request, name).catch((error: unknown) => {
      this.#deps.onFunctionError(name, error)
      throw new WebhookError(500, 'the function of the webhook failed')
    })
    if (custom === undefined) throw new WebhookError(401, NOT_AUTHENTIC)
    const { clockToleranceMs } = this.#deps
    const signals = custom.signals.map(({ at = Date.now(), ...signal }) => ({
      ...signal,
      issuers: [],
      until: at + 1000 + clockToleranceMs,
    }))
    return { source: name, id: custom.id, signals }
  }
}

const BUSY = 'too many webhooks arrive at once'
const NOT_AUTHENTIC = 'the signature or token is missing or wrong: compare the secret'

const CODES: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'invalid_signature',
  413: 'payload_too_large',
  500: 'internal',
}

/** GitHub can send JSON as the field of a form. */
function payloadOf(body: Buffer, headers: IncomingHttpHeaders): unknown {
  const isForm = /^application\/x-www-form-urlencoded/i.test(headers['content-type'] ?? '')
  const text = body.toString()
  return parseJson(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text)
}
