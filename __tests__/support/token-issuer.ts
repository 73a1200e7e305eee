import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { type OAuthModuleOptions, oidcProvider } from '../../src/index.js'
import { type Gate, type GateSetup, startGate, stopping } from './gate.js'
import { listen } from './server.js'

/** The audience of the app in most tests. */
export const API = 'https://api.example.com'

type SigningKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

export interface IssuerKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: SigningKey
  readonly jwk: JWK
}

export interface SignOptions {
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: IssuerKey
}

/** An issuer of access tokens, over real HTTP. */
export interface TokenIssuer {
  readonly origin: string
  /** The issuer at a path. */
  issuer(path?: string): string
  /** The keys that it publishes, the first one signs. */
  keys: IssuerKey[]
  /** Responses of the introspection endpoint, by token. */
  readonly opaque: Map<string, Record<string, unknown>>
  /** Paths of requests. */
  readonly requests: string[]
  /** Requests of the introspection endpoint: headers and form. */
  readonly introspections: { headers: IncomingMessage['headers']; form: URLSearchParams }[]
  /** What follows replaces a response, until it is removed. */
  readonly faults: Map<string, (req: IncomingMessage, res: ServerResponse) => void>
  /** Members of the metadata. */
  metadata: Record<string, unknown>
  count(path: string): number
  sign(claims: JWTPayload, options?: SignOptions): Promise<string>
  /** Claims of an access token that is valid now, for the API. */
  claims(more?: Record<string, unknown>): JWTPayload
  token(more?: Record<string, unknown>, options?: SignOptions): Promise<string>
}

export async function createKey(alg = 'ES256', kid?: string): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  const id = kid ?? (await calculateJwkThumbprint(jwk))
  return { kid: id, alg, privateKey, jwk: { ...jwk, kid: id, alg, use: 'sig' } }
}

const read = async (req: IncomingMessage) => {
  let body = ''
  for await (const chunk of req) body += String(chunk)
  return body
}

export async function startTokenIssuer({ alg = 'ES256' } = {}): Promise<TokenIssuer> {
  const requests: string[] = []
  const introspections: TokenIssuer['introspections'] = []
  const opaque: TokenIssuer['opaque'] = new Map()
  const faults: TokenIssuer['faults'] = new Map()

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<unknown> {
    const path = (req.url ?? '').split('?')[0] ?? ''
    requests.push(path)
    const fault = [...faults].find(([end]) => path.endsWith(end))?.[1]
    if (fault) return fault(req, res)
    const json = (body: unknown, status = 200) =>
      res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    if (path.endsWith('/.well-known/openid-configuration')) {
      const issuer = base + path.slice(0, -'/.well-known/openid-configuration'.length)
      return json({
        issuer: idp.metadata['slash'] === true ? `${issuer}/` : issuer,
        jwks_uri: `${base}/jwks`,
        introspection_endpoint: `${base}/introspect`,
        ...idp.metadata,
      })
    }
    if (path === '/jwks') return json({ keys: idp.keys.map(({ jwk }) => jwk) })
    if (path === '/introspect' || path === '/tokeninfo') {
      const form = new URLSearchParams(await read(req))
      introspections.push({ headers: req.headers, form })
      const token = form.get('token') ?? req.headers.authorization?.replace(/^Bearer /, '') ?? ''
      const known = opaque.get(token)
      if (path === '/tokeninfo')
        return known ? json(known) : json({ error_description: 'Invalid Value' }, 400)
      return json(known ? { active: true, ...known } : { active: false })
    }
    return json({}, 404)
  }

  const server = stopping(await listen((req, res) => serve(req, res)))
  const base = server.origin.replace('localhost', '127.0.0.1')
  const idp: TokenIssuer = {
    origin: base,
    issuer: (path = '') => base + path,
    keys: [await createKey(alg)],
    opaque,
    requests,
    introspections,
    faults,
    metadata: {},
    count: (path) => requests.filter((one) => one.endsWith(path)).length,
    sign(claims, { header = {}, key = idp.keys[0] } = {}) {
      if (key === undefined) throw new Error('the issuer has no key')
      const protectedHeader = { alg: key.alg, kid: key.kid, ...header }
      return new SignJWT(claims).setProtectedHeader(protectedHeader).sign(key.privateKey)
    },
    claims: (more = {}) => {
      const now = Math.floor(Date.now() / 1000)
      const all: Record<string, unknown> = {
        ...{ iss: base, sub: 'ada', aud: API, iat: now, exp: now + 600 },
        jti: randomBytes(8).toString('hex'),
        scope: 'read write',
        client_id: 'cli',
        ...more,
      }
      return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    },
    token: (more, options = {}) =>
      idp.sign(idp.claims(more), { ...options, header: { typ: 'at+jwt', ...options.header } }),
  }
  return idp
}

/** A provider for logins, which these tests do not use. */
export const unused = () =>
  oidcProvider({
    issuer: 'https://login.example.com',
    clientId: 'web',
    clientSecret: 'the secret of the client',
  })

type Bearer = NonNullable<OAuthModuleOptions['bearer']>
type Entry = Bearer['issuers'][number]

/** A gate that accepts the tokens of an issuer. */
export function startApi(
  idp: TokenIssuer,
  {
    entry = {},
    options = {},
    setup = {},
    resource,
  }: {
    entry?: Partial<Entry>
    options?: Partial<OAuthModuleOptions>
    setup?: GateSetup
    resource?: string
  } = {},
): Promise<Gate> {
  const issuers = [{ issuer: idp.origin, audience: API, ...entry }]
  return startGate(
    {
      provider: { web: unused() },
      bearer: { issuers, ...(resource !== undefined && { resource }) },
      ...options,
    },
    setup,
  )
}

export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
  /** The challenges, joined as `fetch()` joins them. */
  readonly challenge: string
}

/** A request of a program, with a token. */
export async function call(
  gate: Gate,
  token: string | undefined,
  { path = '/', ...init }: RequestInit & { path?: string } = {},
): Promise<ApiAnswer> {
  const headers = new Headers(init.headers)
  if (token !== undefined) headers.set('Authorization', `Bearer ${token}`)
  const response = await fetch(gate.url(path).replace('localhost', '127.0.0.1'), {
    redirect: 'manual',
    ...init,
    headers,
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
    challenge: response.headers.get('www-authenticate') ?? '',
  }
}

/** The user that the app saw. */
export function userOf({ status, body }: ApiAnswer): Record<string, unknown> {
  if (status !== 200) throw new Error(`rejected: ${status} ${JSON.stringify(body)}`)
  return body['user'] as Record<string, unknown>
}
