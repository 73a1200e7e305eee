import { OAuthError } from '../../http/errors.js'

/** Codes of Node's parser, of its checks of headers, and {@link unrequestedUpgrade}. */
const INVALID_RESPONSE = /^(?:HPE_|ERR_(?:HTTP|INVALID|UNREQUESTED)_)/

/** A request that asked for no upgrade got one. */
export function unrequestedUpgrade(): Error {
  return Object.assign(new Error('the upstream has switched protocols'), {
    code: 'ERR_UNREQUESTED_UPGRADE',
  })
}

/** The status code is none that a response can have. */
export function invalidStatus(): Error {
  return Object.assign(new Error('the status code is not valid'), { code: 'ERR_HTTP_STATUS' })
}

/** The error of a request that the upstream did not respond to, with the cause in the hint. */
export function upstreamError(thrown: unknown, { origin }: URL, isTimedOut = false): OAuthError {
  const code = codeOf(thrown)
  const cause = { cause: thrown }
  if (isTimedOut || code === 'ETIMEDOUT' || code === 'ERR_UPSTREAM_UPGRADE_TIMEOUT')
    return new OAuthError('upstream_timeout', {
      ...cause,
      hint: `${origin} accepts no connections, or does not respond in time: see its log`,
    })
  if (INVALID_RESPONSE.test(code))
    return new OAuthError('upstream_unreachable', {
      ...cause,
      message: 'The application behind this address sent a response that cannot be used.',
      hint: `${origin} sent a response that is not valid HTTP/1.1 (${code})${code === 'HPE_HEADER_OVERFLOW' ? ': its headers are longer than 16 KiB, which NODE_OPTIONS=--max-http-header-size raises' : ''}`,
    })
  return new OAuthError('upstream_unreachable', {
    ...cause,
    hint:
      code === 'ECONNRESET' || code === 'EPIPE'
        ? `${origin} closed the connection without a response: see its log`
        : `${origin} cannot be reached (${code}): start the app, and compare its port`,
  })
}

function codeOf(thrown: unknown): string {
  const { code } = Object(thrown) as { code?: unknown }
  return typeof code === 'string' ? code : 'unknown error'
}
