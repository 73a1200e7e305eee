import { generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listen } from './server.js'

/**
 * A transmitter of security event tokens, written from RFC 8417, 8935 and 8936 and from the Shared
 * Signals Framework 1.0. It shares no code with the receiver.
 */
export interface TestTransmitter {
  readonly issuer: string
  /** URL of its keys, which may also be those of another issuer. */
  readonly jwksUri: string
  /** The access token that its API requires. */
  readonly accessToken: string
  /** What receivers have sent: `METHOD path`, with the JSON of the body. */
  readonly requests: { line: string; body: Record<string, unknown>; authorization: string }[]
  /** How often its keys were requested. */
  keyRequests: number
  /** Its public key. */
  readonly jwk: JsonWebKey
  /** Tokens that wait to be polled, by `jti`. */
  readonly queue: Map<string, string>
  /** What receivers have reported in `setErrs`. */
  readonly errors: Record<string, unknown>
  /** The configuration of the stream, after it was created. */
  stream: Record<string, unknown> | undefined
  /** Overrides responses by path. */
  readonly faults: Map<string, (res: ServerResponse) => void>
  /** The claims of a token about a subject. */
  claims(event: string, subject: unknown, more?: object): Record<string, unknown>
  /** A signed token. */
  token(claims: object, header?: object, key?: KeyObject): string
  /** Sends a token as RFC 8935, 2.1 says. */
  push(url: string, token: string, headers?: Record<string, string>): Promise<Response>
  /** Replaces the key. With `isPublished: false`, the old one stays published for now. */
  rotate(options?: { isPublished?: boolean }): void
  publish(): void
  close(): Promise<void>
}

export const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
export const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'
export const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/'

interface Key {
  kid: string
  privateKey: KeyObject
  jwk: JsonWebKey
}

function newKey(): Key {
  const kid = randomUUID()
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }
  return { kid, privateKey, jwk }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

export interface TransmitterSetup {
  audience: string
  /** Path of the issuer. Default: none. */
  path?: string
  /** The well-known name. Default `ssf`. */
  wellKnown?: 'ssf' | 'risc'
  criticalMembers?: readonly string[]
  /** Whether a second stream is rejected with 409. */
  allowsOneStream?: boolean
}

export async function startTransmitter(setup: TransmitterSetup): Promise<TestTransmitter> {
  const { audience, path = '', wellKnown = 'ssf' } = setup
  let key = newKey()
  let published = key
  const waiting = new Set<() => void>()
  const server = await listen((req, res) => void respond(req, res))
  const issuer = server.origin + path
  const accessToken = `token-${randomUUID()}`

  const transmitter: TestTransmitter = {
    issuer,
    jwksUri: `${server.origin}/jwks`,
    accessToken,
    requests: [],
    keyRequests: 0,
    get jwk() {
      return key.jwk
    },
    queue: new Map(),
    errors: {},
    stream: undefined,
    faults: new Map(),
    claims: (event, subject, more = {}) => {
      const now = Math.floor(Date.now() / 1000)
      return {
        iss: issuer,
        jti: randomUUID(),
        iat: now,
        aud: audience,
        txn: randomUUID(),
        ...(subject !== undefined && { sub_id: subject }),
        events: { [event]: { event_timestamp: now } },
        ...more,
      }
    },
    token(claims, header = {}, signingKey = key.privateKey) {
      const head = encode({ alg: 'ES256', kid: key.kid, typ: 'secevent+jwt', ...header })
      const input = `${head}.${encode(claims)}`
      const signature = sign('sha256', Buffer.from(input), {
        key: signingKey,
        dsaEncoding: 'ieee-p1363',
      })
      return `${input}.${signature.toString('base64url')}`
    },
    push: (url, token, headers = {}) =>
      fetch(url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/secevent+jwt',
          Accept: 'application/json',
          ...headers,
        },
        body: token,
      }),
    rotate({ isPublished = true } = {}) {
      key = newKey()
      if (isPublished) published = key
    },
    publish() {
      published = key
    },
    async close() {
      for (const end of waiting) end()
      await server.close()
    },
  }

  async function respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', server.origin)
    const text = await bodyOf(req)
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
    const authorization = req.headers.authorization ?? ''
    const fault = transmitter.faults.get(url.pathname)
    const json = (status: number, value: unknown) =>
      res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
    if (fault !== undefined) return fault(res)
    if (url.pathname === `/.well-known/${wellKnown}-configuration${path}`)
      return void json(200, metadata())
    if (url.pathname === '/jwks') {
      transmitter.keyRequests++
      return void json(200, { keys: [published.jwk] })
    }
    if (!url.pathname.startsWith('/ssf/')) return void json(404, {})
    transmitter.requests.push({ line: `${req.method} ${url.pathname}`, body, authorization })
    if (authorization !== `Bearer ${accessToken}`) return void json(401, {})
    if (url.pathname === '/ssf/poll') return void json(200, await poll(body))
    if (url.pathname === '/ssf/stream') return stream(req.method ?? '', body, json)
    if (url.pathname === '/ssf/status')
      return void json(200, { stream_id: 'stream-1', status: 'enabled' })
    await verify(body)
    res.writeHead(204).end()
  }

  const metadata = () => ({
    spec_version: '1_0',
    issuer,
    jwks_uri: `${server.origin}/jwks`,
    delivery_methods_supported: ['urn:ietf:rfc:8935', 'urn:ietf:rfc:8936'],
    configuration_endpoint: `${server.origin}/ssf/stream`,
    status_endpoint: `${server.origin}/ssf/status`,
    verification_endpoint: `${server.origin}/ssf/verify`,
    critical_subject_members: setup.criticalMembers ?? [],
  })

  /** RFC 8936, 2.4 */
  async function poll(body: Record<string, unknown>): Promise<object> {
    const { ack = [], setErrs = {}, maxEvents = 100, returnImmediately } = body
    for (const jti of ack as string[]) transmitter.queue.delete(jti)
    for (const [jti, error] of Object.entries(setErrs as object)) {
      transmitter.errors[jti] = error
      transmitter.queue.delete(jti)
    }
    if (maxEvents === 0) return { sets: {} }
    if (transmitter.queue.size === 0 && returnImmediately !== true) await eventOrTimeout()
    const sets = [...transmitter.queue].slice(0, Number(maxEvents))
    const moreAvailable = transmitter.queue.size > sets.length
    return { sets: Object.fromEntries(sets), ...(moreAvailable && { moreAvailable }) }
  }

  function eventOrTimeout(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearInterval(interval)
        clearTimeout(timer)
        waiting.delete(end)
        resolve()
      }
      waiting.add(end)
      const interval = setInterval(() => {
        if (transmitter.queue.size > 0) end()
      }, 5)
      const timer = setTimeout(end, 2_000)
    })
  }

  function stream(
    method: string,
    body: Record<string, unknown>,
    json: (status: number, value: unknown) => unknown,
  ): void {
    const wanted = body['delivery'] as { method: string } | undefined
    if (method === 'POST' && transmitter.stream !== undefined && setup.allowsOneStream === true)
      return void json(409, {})
    if (method !== 'GET')
      transmitter.stream = {
        stream_id: 'stream-1',
        iss: issuer,
        aud: [audience],
        events_delivered: body['events_requested'],
        delivery:
          wanted?.method === 'urn:ietf:rfc:8936'
            ? { ...wanted, endpoint_url: `${server.origin}/ssf/poll` }
            : wanted,
      }
    json(method === 'POST' ? 201 : 200, transmitter.stream ?? {})
  }

  /** SSF 1.0, 8.1.4 */
  async function verify({ state }: Record<string, unknown>): Promise<void> {
    const delivery = transmitter.stream?.['delivery'] as Record<string, string> | undefined
    const now = Math.floor(Date.now() / 1000)
    const jti = randomUUID()
    const token = transmitter.token({
      ...{ iss: issuer, jti, iat: now, aud: audience },
      sub_id: { format: 'opaque', id: 'stream-1' },
      events: { [`${SSF}verification`]: { state } },
    })
    if (delivery?.['method'] === 'urn:ietf:rfc:8935')
      await transmitter.push(delivery['endpoint_url'] ?? '', token, {
        ...(delivery['authorization_header'] && {
          Authorization: delivery['authorization_header'],
        }),
      })
    else transmitter.queue.set(jti, token)
  }

  return transmitter
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
