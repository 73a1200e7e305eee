import { shownAddress } from './client-address.js'
import type { AppRequest } from './request.js'

/**
 * The request that caused an event. The texts come from the client, or from a proxy in front of the
 * app. They contain no control characters.
 */
export interface EventOrigin {
  /**
   * `req.ip` of Express, otherwise the address of the socket; at most 64 characters. `undefined` if
   * it is not known, and with `browserSession: { ipAddress: false }`.
   */
  readonly ipAddress: string | undefined
  /**
   * The header `User-Agent`, at most 512 characters. `undefined` if there is none, and with
   * `browserSession: { userAgent: false }`.
   */
  readonly userAgent: string | undefined
  /**
   * `req.id`, which pino-http and other middleware set, if it is a string or a number and was set
   * before the gate; at most 200 characters.
   */
  readonly requestId: string | undefined
}

/** What may be recorded of a request: see the option `browserSession`. */
export interface RecordedParts {
  readonly ipAddress: boolean
  readonly userAgent: boolean
}

const MAX_ADDRESS_LENGTH = 64
const MAX_USER_AGENT_LENGTH = 512
const MAX_ID_LENGTH = 200

/** Characters that could forge a line of a log, or change the direction of its text. */
const UNSAFE_CHARACTERS = /[\p{C}\p{Zl}\p{Zp}]/gu

/** Where a request came from, as far as that may be recorded. */
export function eventOrigin(req: AppRequest, recorded: RecordedParts): EventOrigin {
  // Types of other packages disagree on its type.
  const id: unknown = Reflect.get(req, 'id')
  return {
    ipAddress: recorded.ipAddress
      ? bounded(shownAddress(addressOf(req)), MAX_ADDRESS_LENGTH)
      : undefined,
    userAgent: recorded.userAgent
      ? bounded(req.headers['user-agent'], MAX_USER_AGENT_LENGTH)
      : undefined,
    requestId:
      typeof id === 'string' || typeof id === 'number'
        ? bounded(String(id), MAX_ID_LENGTH)
        : undefined,
  }
}

/** The address of a client. A proxy that the app trusts may report any text. */
export function addressOf({ ip, socket }: AppRequest): string | undefined {
  return (ip ?? socket?.remoteAddress)?.slice(0, MAX_ADDRESS_LENGTH)
}

/** External text without unsafe characters; `undefined` if nothing is left. */
function bounded(text: string | undefined, length: number): string | undefined {
  return text?.slice(0, length).replace(UNSAFE_CHARACTERS, '') || undefined
}
