import type { IncomingHttpHeaders } from 'node:http'
import { HeaderStripper } from '../../middleware/strip-headers.js'
import type { TrustedProxies } from './trusted-proxies.js'
import type { GatewayRequest } from './messages.js'

/**
 * Headers in which proxies report the client's view, and those with which some frameworks replace
 * the path. An upstream that believes them must only see ours.
 */
const REPORTED = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-server',
  'x-forwarded-scheme',
  'x-forwarded-protocol',
  'x-forwarded-ssl',
  'x-forwarded-by',
  'x-forwarded-uri',
  'x-forwarded-path',
  'x-forwarded-method',
  'x-real-ip',
  'x-url-scheme',
  'x-original-host',
  'x-original-uri',
  'x-original-url',
  'x-original-method',
  'x-rewrite-url',
  'front-end-https',
]

/** Would turn an allowed method into another one. */
const METHOD_OVERRIDES = ['x-http-method', 'x-http-method-override', 'x-method-override']

/** Which of them a trusted proxy may set for the upstream, in this spelling only. */
const BELIEVED = ['x-forwarded-port', 'x-forwarded-prefix', 'x-real-ip'] as const

const reported = new HeaderStripper({
  values: [],
  tokens: {},
  reservedPrefixes: [],
  reservedNames: REPORTED,
})
const overrides = new HeaderStripper({
  values: [],
  tokens: {},
  reservedPrefixes: [],
  reservedNames: METHOD_OVERRIDES,
})

/** Removes the headers with which a client could request another method on an allowed path. */
export function stripMethodOverrides(req: GatewayRequest): void {
  overrides.strip(req, req.headers)
}

/** Replaces what the client claims about itself by what the gateway has determined. */
export class ForwardedHeaders {
  readonly #proxies: TrustedProxies
  /** The public scheme and host, if they are configured. */
  readonly #baseUrl: URL | undefined

  constructor(proxies: TrustedProxies, baseUrl: string | undefined) {
    this.#proxies = proxies
    this.#baseUrl = baseUrl === undefined ? undefined : new URL(baseUrl)
  }

  /** Only headers of a trusted proxy are kept or appended to. */
  replace(req: GatewayRequest): void {
    const { headers, socket } = req
    const peer = withoutMapping(socket.remoteAddress ?? '')
    const from = this.#proxies.isPeerTrusted(req) ? pick(headers) : {}
    reported.strip(req, headers)
    const base = this.#baseUrl
    const chain = from['x-forwarded-for']
    headers['x-forwarded-for'] = chain === undefined ? peer : `${chain}, ${peer}`
    headers['x-forwarded-proto'] =
      base?.protocol.slice(0, -1) ?? firstOf(from['x-forwarded-proto']) ?? 'http'
    const host = base?.host ?? firstOf(from['x-forwarded-host']) ?? headers.host
    if (host !== undefined) headers['x-forwarded-host'] = host
    for (const name of BELIEVED) if (from[name] !== undefined) headers[name] = from[name]
  }
}

type Reported = Partial<Record<string, string>>

function pick(headers: IncomingHttpHeaders): Reported {
  const found: Reported = {}
  for (const name of ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', ...BELIEVED]) {
    const value = headers[name]
    if (typeof value === 'string' && value !== '') found[name] = value
  }
  return found
}

function firstOf(value: string | undefined): string | undefined {
  return value?.split(',', 1)[0]?.trim()
}

/** IPv4 addresses of clients on an IPv6 socket, as other proxies write them. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/** Headers of one connection, which do not reach the next one. (RFC 9110, 7.6.1) */
const HOP_BY_HOP = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
  'http2-settings',
])

/** What `Connection` cannot remove: without them the next server reads another message. */
const ESSENTIAL = new Set(['host', 'content-length'])

/** Values of `Connection` that name no header to remove. */
const PLAIN = new Set(['close', 'keep-alive', 'upgrade'])

/** The names that are valid for one connection only, in lower case. */
export function hopByHopNames(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || PLAIN.has(connection.toLowerCase())) return HOP_BY_HOP
  const named = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !ESSENTIAL.has(name))
  return new Set([...HOP_BY_HOP, ...named])
}

/** The headers of the request to the upstream. The gateway has sent `100 Continue` itself. */
export function upstreamHeaders({ headers }: GatewayRequest): IncomingHttpHeaders {
  const dropped = hopByHopNames(headers.connection)
  const kept: IncomingHttpHeaders = {}
  for (const name in headers)
    if (!dropped.has(name) && name !== 'expect') kept[name] = headers[name]
  // The body is sent as it comes: without a length, in chunks.
  if (headers['transfer-encoding'] !== undefined) kept['transfer-encoding'] = 'chunked'
  return kept
}

/**
 * The same for a request without a body, as names and values in turn: Node validates and stores an
 * object twice, and an array once. `host` is that of the upstream, for clients that send none.
 */
export function bodilessHeaders({ headers, method }: GatewayRequest, host: string): string[] {
  const dropped = hopByHopNames(headers.connection)
  const lines: string[] = headers.host === undefined ? ['host', host] : []
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || dropped.has(name) || name === 'expect') continue
    if (typeof value === 'string') lines.push(name, value)
    else for (const line of value) lines.push(name, line)
  }
  // Otherwise Node announces chunks. (RFC 9110, 8.6)
  if (headers['content-length'] === undefined && method !== 'GET' && method !== 'HEAD')
    lines.push('content-length', '0')
  return lines
}
