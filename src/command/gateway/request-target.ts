import type { IncomingMessage } from 'node:http'

/** A request that the gateway rejects, with or without a session. */
export interface Refusal {
  readonly status: number
  readonly error: string
  readonly message: string
}

const refusal = (status: number, error: string, message: string): Refusal => ({
  status,
  error,
  message,
})

const INVALID_TARGET = refusal(400, 'invalid_target', 'The request target is not valid.')
const INVALID_HOST = refusal(400, 'invalid_host', 'The Host header is missing or not valid.')
const INVALID_FRAMING = refusal(400, 'invalid_framing', 'The length of the body is ambiguous.')
const UNKNOWN_CODING = refusal(501, 'not_implemented', 'This transfer coding is not supported.')
const METHOD = refusal(405, 'method_not_allowed', 'This method is not supported.')

const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^]*)$/i

/**
 * Rejects what the gate, the upstream, and a proxy in front of the gateway could read differently,
 * and what node's parser does not reject. An absolute-form target is replaced by its path.
 */
export function refuse(req: IncomingMessage): Refusal | undefined {
  // TRACE would return cookies and identity headers to a script. (RFC 9110, 9.3.8)
  if (req.method === 'TRACE' || req.method === 'CONNECT') return METHOD
  return refuseHost(req) ?? refuseTarget(req) ?? refuseFraming(req)
}

/** RFC 9112, 3.2: exactly one valid `Host`, which only HTTP/1.0 may leave out. */
function refuseHost({ headers: { host }, rawHeaders, httpVersion }: IncomingMessage) {
  if (host === undefined) return httpVersion === '1.0' ? undefined : INVALID_HOST
  let lines = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') lines++
  }
  return lines === 1 && HOST.test(host) ? undefined : INVALID_HOST
}

function refuseTarget(req: IncomingMessage): Refusal | undefined {
  const { url = '' } = req
  // Older parsers let these through. (RFC 3986, 2)
  if (/[^\x21-\x7e]/.test(url)) return INVALID_TARGET
  if (url.startsWith('/')) return url.includes('#') ? INVALID_TARGET : undefined
  const [, host, rest = ''] = ABSOLUTE.exec(url) ?? []
  // A proxy in front may route by one host, and the upstream by the other. (RFC 9112, 3.2.2)
  if (host === undefined || host.toLowerCase() !== req.headers.host?.toLowerCase())
    return INVALID_TARGET
  req.url = rest.startsWith('/') ? rest : `/${rest}`
  return rest.includes('#') ? INVALID_TARGET : undefined
}

/** Node rejects a body with both a length and a coding. (RFC 9112, 6.1) */
function refuseFraming({ headers, httpVersion }: IncomingMessage): Refusal | undefined {
  const coding = headers['transfer-encoding']
  if (coding === undefined) return undefined
  if (httpVersion === '1.0' || headers['content-length'] !== undefined) return INVALID_FRAMING
  return coding.trim().toLowerCase() === 'chunked' ? undefined : UNKNOWN_CODING
}
