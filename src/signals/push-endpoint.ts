import type { GateRequest } from '../http/gate-request.js'
import { isSameSecret } from '../http/ids.js'
import { type BodyFault, readRawBody } from '../http/raw-body.js'
import { sendJson, sendNothing } from '../http/response.js'
import type { Admission } from './admission.js'
import { describeFailure } from './failures.js'
import { unverifiedIssuer } from './security-event.js'
import { SetError } from './set-error.js'
import type { SetReceiver } from './set-receiver.js'
import { isSameIssuer } from './issuer.js'
import type { Transmitter } from './transmitter.js'

/** What {@link PushEndpoint} depends on. */
export interface PushEndpointDeps {
  readonly transmitters: readonly Transmitter[]
  readonly receiver: SetReceiver
  readonly admission: Admission
  /** Reports a token that was not accepted. */
  readonly onRejected: (source: string | undefined, hint: string) => void
}

const MAX_BYTES = 64 * 1024
const CONTENT_TYPE = /^application\/secevent\+jwt *(?:;|$)/i
/** A minute: keys are fetched at most that often. */
const RETRY_AFTER_SECONDS = 60

const FAULTS: Readonly<Record<BodyFault, string>> = {
  'too large': `the body has more than ${MAX_BYTES} bytes`,
  late: 'the body did not arrive in time',
  incomplete: 'the body ended early',
  parsed: 'a body parser in front of the gate has read the token: mount the gate before it',
}

/** `/auth/signals`: receives security event tokens by push. (RFC 8935) */
export class PushEndpoint {
  readonly #deps: PushEndpointDeps

  constructor(deps: PushEndpointDeps) {
    this.#deps = deps
  }

  /** Responds 202, 400 with the reason, or 503 if the transmitter should repeat the token. */
  async handle(request: GateRequest): Promise<void> {
    const { admission, onRejected } = this.#deps
    const { req, res } = request
    let source: string | undefined
    try {
      const isAdmitted = await admission.run(req, async () => {
        const token = await this.#readToken(request)
        const transmitter = this.#transmitterOf(token)
        source = transmitter.config.name
        checkAuthorization(req.headers.authorization, transmitter)
        await this.#deps.receiver.receive(token, transmitter, true)
        return true
      })
      if (isAdmitted === true) sendNothing(res, 202)
      else sendBusy(request, 5)
    } catch (error) {
      onRejected(source, describeFailure(error))
      if (!(error instanceof SetError)) return sendBusy(request, RETRY_AFTER_SECONDS)
      const body = { err: error.code, description: error.message }
      sendJson(res, 400, body, { 'Content-Language': 'en' })
    }
  }

  async #readToken({ req, res }: GateRequest): Promise<string> {
    if (!CONTENT_TYPE.test(req.headers['content-type'] ?? ''))
      throw new SetError('invalid_request', 'the content type is not application/secevent+jwt')
    const { bytes, fault } = await readRawBody(req, res, MAX_BYTES)
    if (fault !== undefined) throw new SetError('invalid_request', FAULTS[fault])
    return bytes.toString('latin1').trim()
  }

  #transmitterOf(token: string): Transmitter {
    const issuer = unverifiedIssuer(token)
    if (issuer === undefined)
      throw new SetError('invalid_request', 'the body is not a security event token')
    const transmitter = this.#deps.transmitters.find(
      ({ config }) => config.delivery === 'push' && isSameIssuer(config.issuer, issuer),
    )
    if (transmitter !== undefined) return transmitter
    throw new SetError('invalid_issuer', 'no transmitter with this issuer is configured')
  }
}

function checkAuthorization(given: string | undefined, { config }: Transmitter): void {
  const { authorization } = config
  if (authorization === undefined || isSameSecret(given ?? '', authorization)) return
  throw new SetError('authentication_failed', 'the Authorization header is missing or wrong')
}

/** Not the fault of the token: its transmitter repeats it. */
function sendBusy({ res }: GateRequest, seconds: number): void {
  sendJson(res, 503, { error: 'try_again' }, { 'Retry-After': String(seconds) })
}
