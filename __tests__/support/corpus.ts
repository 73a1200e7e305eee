import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  type AddressInfo,
  connect as connectSocket,
  createServer as createTcpServer,
  type Server as TcpServer,
} from 'node:net'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import connect from 'connect'
import express from 'express'
import express4 from 'express4'
import {
  memoryStore,
  oauthModule,
  type OAuthMiddleware,
  type OAuthModuleOptions,
  type SessionStore,
} from '../../src/index.js'
import { type Gateway, startGateway } from '../../src/command/gateway/index.js'
import type { VendorServer } from '../../src/dev/vendors/index.js'
import { tried } from './cases.js'
import type { RawAnswer } from './raw.js'
import { sendRawRequest } from './raw.js'

export const frameworks = ['express', 'express4', 'connect', 'http'] as const
export type Kind = (typeof frameworks)[number] | 'command'

const CORPUS_KIND = process.env['CORPUS_KIND']

/**
 * What the corpora run through: every framework; with `CORPUS_KIND=command` the command, with the
 * name of a framework only that one.
 */
export const kinds: readonly Kind[] =
  CORPUS_KIND === 'command'
    ? ['command']
    : frameworks.filter((kind) => kind === (CORPUS_KIND ?? kind))

/**
 * All cases on Express 5 and the command, and a quarter of them on each other framework, every framework another
 * quarter: the frameworks share everything but the adapter, so running each corpus four times finds
 * nothing more.
 *
 * @param idsOf The requirements that a case is about, if the test names several.
 */
export function sampleFor<T>(
  kind: Kind,
  cases: Iterable<T>,
  idsOf?: (one: T) => readonly string[],
): T[] {
  const all = [...cases]
  if (kind === 'express' || kind === 'command') return tried(all, idsOf)
  const step = Math.min(frameworks.length, all.length)
  return tried(
    all.filter((_, index) => index % step === frameworks.indexOf(kind) % step),
    idsOf,
  )
}

/** In every response of the app behind the gate: a client that sees it has passed. */
export const CANARY = 'upstream-canary-9f3b'
export const SECRET = 'corpus secret, longer than thirty-two characters'
export const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** What the app behind the gate saw of its latest request. */
export interface Upstream {
  calls: number
  headers: Record<string, string | string[] | undefined>
  headersDistinct: Record<string, string[] | undefined>
  rawHeaders: string[]
  url: string
}

export interface CountingStore extends SessionStore {
  gets: number
  /** Rows written for sessions. */
  sessions: number
  /** Rows written for anything. */
  writes: number
  /** Ids of rows that are there. */
  keys: Set<string>
}

export interface Switch {
  kind: Kind
  origin: string
  port: number
  server: Server
  upstream: Upstream
  store: CountingStore
  middleware: OAuthMiddleware
  /** Errors that reached the app's own error handler: none should. */
  errors: unknown[]
  /** Puts a new instance in front of the app, with a store of its own unless one is given. */
  use(options: OAuthModuleOptions): OAuthMiddleware
  close(): Promise<void>
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void
type Step = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void

export function countingStore(inner: SessionStore = memoryStore()): CountingStore {
  const counting: CountingStore = {
    gets: 0,
    sessions: 0,
    writes: 0,
    keys: new Set(),
    get(key) {
      counting.gets++
      return inner.get(key)
    },
    set(key, record, ttl) {
      counting.writes++
      if (record.kind === 'session') {
        counting.sessions++
        counting.keys.add(key)
      }
      return inner.set(key, record, ttl)
    },
    update: (key, record, ttl) => inner.update(key, record, ttl),
    delete(key) {
      counting.keys.delete(key)
      return inner.delete(key)
    },
    ...(inner.lock && { lock: inner.lock.bind(inner) }),
    ...(inner.entries && { entries: inner.entries.bind(inner) }),
  }
  return counting
}

/** The app behind the gate: records what it sees, and responds with the canary. */
function recordingApp(upstream: Upstream): Handler {
  return (req, res) => {
    upstream.calls++
    const headers = Object.fromEntries(Object.entries(req.headers))
    Object.assign(upstream, {
      headers,
      headersDistinct: { ...req.headersDistinct },
      rawHeaders: [...req.rawHeaders],
      url: req.url,
    })
    res.setHeader('Content-Type', 'application/json')
    res.end(JSON.stringify({ canary: CANARY, id: req.headers['ngrok-auth-user-id'] ?? null }))
  }
}

function emptyUpstream(): Upstream {
  return { calls: 0, headers: {}, headersDistinct: {}, rawHeaders: [], url: '' }
}

/**
 * The gateway of the command in front of the app. A new one for each instance of the gate, at the
 * address of a server that passes on the bytes of its connections.
 */
async function startCommandSwitch(): Promise<Switch> {
  const upstream = emptyUpstream()
  const app = createServer(recordingApp(upstream))
  const target = new URL(`http://127.0.0.1:${await listenTo(app)}`)
  const started: Promise<Gateway>[] = []
  const front = createTcpServer((client) => {
    const gateway = started.at(-1)
    gateway?.then(
      ({ port }) => {
        const inner = connectSocket(port, '127.0.0.1')
        client.on('error', () => inner.destroy()).on('close', () => inner.destroy())
        inner.on('error', () => client.destroy()).on('close', () => client.destroySoon())
        client.pipe(inner).pipe(client)
      },
      () => client.destroy(),
    )
  })
  const port = await listenTo(front)
  const current: Switch = {
    kind: 'command',
    origin: `http://localhost:${port}`,
    port,
    server: app,
    upstream,
    errors: [],
    store: countingStore(),
    middleware: undefined as unknown as OAuthMiddleware,
    use(options) {
      current.store = countingStore()
      const all = { secret: SECRET, store: current.store, logger: silent, ...options }
      // Throws for invalid options at once, as the middleware does.
      void oauthModule(all).close()
      started.push(
        startGateway({
          options: all,
          target,
          listen: { host: '127.0.0.1', port: 0 },
          logger: silent,
        }),
      )
      return current.middleware
    },
    async close() {
      front.close()
      for (const gateway of started) await (await gateway).close()
      app.closeAllConnections()
      await new Promise((resolve) => app.close(resolve))
    },
  }
  return current
}

async function listenTo(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** A server of this kind whose gate can be replaced while it runs. */
export async function startSwitch(kind: Kind): Promise<Switch> {
  if (kind === 'command') return startCommandSwitch()
  const upstream = emptyUpstream()
  const errors: unknown[] = []
  const gate: Step = (req, res, next) => current.middleware(req, res, next)
  const app = recordingApp(upstream)
  const server = createServer(assemble(kind, gate, app, (error) => void errors.push(error)))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const current: Switch = {
    kind,
    origin: `http://localhost:${port}`,
    port,
    server,
    upstream,
    errors,
    store: countingStore(),
    middleware: undefined as unknown as OAuthMiddleware,
    use(options) {
      current.store = countingStore()
      current.middleware = oauthModule({
        secret: SECRET,
        logger: silent,
        store: current.store,
        ...options,
      })
      return current.middleware
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return current
}

function assemble(
  kind: Kind,
  gate: Step,
  app: Handler,
  onError: (error: unknown) => void,
): Handler {
  const failed = (error: unknown, res: ServerResponse) => {
    onError(error)
    res.statusCode = 500
    res.end('next(error)')
  }
  if (kind === 'http')
    return (req, res) =>
      gate(req, res, (error) => (error === undefined ? app(req, res) : failed(error, res)))
  if (kind === 'connect') {
    const framework = connect()
      .use(gate)
      .use(app)
      .use((error: unknown, _req: unknown, res: ServerResponse, _next: unknown) =>
        failed(error, res),
      )
    return (req, res) => {
      try {
        framework(req, res)
      } catch {
        // Connect itself throws at absolute-form targets with a malformed host, before any
        // middleware runs.
        res.statusCode = 400
        res.end()
      }
    }
  }
  const framework = kind === 'express' ? express() : express4()
  framework.use(gate)
  framework.use(app)
  framework.use((error: unknown, _req: unknown, res: ServerResponse, _next: unknown) =>
    failed(error, res),
  )
  return framework
}

/** A login in progress, as a client without a cookie jar sees it. */
export interface Begun {
  answer: RawAnswer
  /** The authorization request. */
  authorizeUrl: string
  state: string
  /** `name=value` of the transaction cookie. */
  cookie: string
}

export interface Target {
  port: number
}

/** Requests a page without a session, and reads the authorization request. */
export async function begin(gate: Target, target = '/', headers: string[] = []): Promise<Begun> {
  const answer = await sendRawRequest(gate.port, { target, headers })
  const authorizeUrl = answer.headers['location'] ?? ''
  if (!URL.canParse(authorizeUrl))
    throw new Error(
      `no login begins at ${JSON.stringify(target)}: ${answer.status} ${authorizeUrl}`,
    )
  return {
    answer,
    authorizeUrl,
    state: new URL(authorizeUrl).searchParams.get('state') ?? '',
    cookie: cookieOf(answer, 'nonce.'),
  }
}

/** Lets the provider's user consent; returns the query of the callback. */
export async function consent(begun: Pick<Begun, 'authorizeUrl'>): Promise<URLSearchParams> {
  const answer = await fetch(begun.authorizeUrl, { redirect: 'manual' })
  await answer.arrayBuffer()
  const location = answer.headers.get('location')
  if (location === null) throw new Error(`the provider answered ${answer.status}`)
  return new URL(location).searchParams
}

/** The rest of a login; its response redirects to the return path. */
export async function finish(
  gate: Target,
  begun: Begun,
  { headers = [], path = '/auth/callback' }: { headers?: string[]; path?: string } = {},
): Promise<RawAnswer> {
  const query = await consent(begun)
  return sendRawRequest(gate.port, {
    target: `${path}?${query}`,
    headers: [`Cookie: ${begun.cookie}`, ...headers],
  })
}

/** A whole login; `name=value` of the session cookie. */
export async function logIn(gate: Target, headers: string[] = []): Promise<string> {
  const answer = await finish(gate, await begin(gate, '/', headers), { headers })
  if (answer.status !== 302)
    throw new Error(`no login: ${answer.status} ${answer.body.slice(-400)}`)
  return cookieOf(answer, 'session')
}

/** `name=value` of the cookie whose name contains this. */
export function cookieOf(answer: RawAnswer, part: string): string {
  const line = answer.lines.find(
    ([name, value]) =>
      name.toLowerCase() === 'set-cookie' && value.split('=', 1)[0]?.includes(part),
  )
  return line?.[1].split(';', 1)[0] ?? ''
}

/** Requests of a kind that the provider has seen so far. */
export function countOf(vendor: VendorServer, endpoint: string): number {
  return vendor.requests.filter((request) => request.endpoint === endpoint).length
}

const folder = join(__dirname, '..', 'corpora')

export function corpus<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as T
}

/** One payload a line; nothing is trimmed. */
export function corpusLines(name: string): string[] {
  return readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
}

/**
 * Replaces `{{NAME}}`, `{{NAME:operation}}` and `{{REPEAT:x:n}}`; an unknown name stays as it is.
 */
export function expand(text: string, values: Readonly<Record<string, string | undefined>>): string {
  return text.replace(
    /\{\{([A-Z_0-9]+)(?::([^}]*))?\}\}/g,
    (whole, name: string, operation?: string) => {
      if (name === 'REPEAT') {
        const [what = '', times = '0'] = (operation ?? '').split(':')
        return what.repeat(Number(times))
      }
      const value = values[name]
      if (value === undefined) return whole
      return operation === undefined ? value : operate(value, operation)
    },
  )
}

function operate(value: string, operation: string): string {
  const slice = /^(-?\d*):(-?\d*)$/.exec(operation)
  if (slice)
    return value.slice(Number(slice[1] || 0), slice[2] === '' ? undefined : Number(slice[2]))
  const percent = (text: string) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const middle = Math.floor(value.length / 2)
  const operations: Record<string, () => string> = {
    flip: () =>
      value.slice(0, middle) + (value[middle] === 'A' ? 'B' : 'A') + value.slice(middle + 1),
    upper: () => value.toUpperCase(),
    lower: () => value.toLowerCase(),
    title: () => value.replace(/[a-z]/, (first) => first.toUpperCase()),
    reverse: () => [...value].reverse().join(''),
    pct: () => percent(value),
    pct2: () => percent(percent(value)),
    b64swap: () =>
      value.replace(/[-_+/]/g, (one) => ({ '-': '+', _: '/', '+': '-', '/': '_' })[one] ?? one),
    nodot: () => value.replace('.', ''),
    pctdot: () => value.replace('.', '%2E'),
    underscore: () => value.replace('.', '_'),
  }
  const found = operations[operation]
  if (found === undefined)
    throw new Error(`the corpus asks for an operation that is unknown here: ${operation}`)
  return found()
}

/** Says what went wrong with which case, all cases at once. */
export function report(failures: readonly string[]): string {
  return failures.join('\n')
}

/** Names that were added to `Object.prototype`. */
export function pollution(): string[] {
  const found = Object.keys(Object.prototype)
  return ['admin', 'isAdmin'].some((name) => name in {}) ? [...found, 'admin'] : found
}

/**
 * Sends bytes and returns the first response, even if the server ends the connection before it has
 * read them all.
 */
export function sendPatiently(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.includes('\r\n\r\n')) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
    socket.write(Buffer.from(bytes, 'latin1'))
  })
}
