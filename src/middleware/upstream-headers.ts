import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import {
  type HeaderPreset,
  isHeaderPreset,
  type UpstreamHeadersConfig,
} from '../options/options.js'
import type { OAuthUser, StoredDecision } from '../access/user.js'

/** What the headers of one request are made of. */
export interface HeaderTokens {
  readonly user: OAuthUser
  readonly matched: StoredDecision['matched']
  /** Tokens there are, and that fit a header. */
  readonly headerTokens: readonly TokenName[]
  /** Opens a token: called only when something reads its header. */
  openToken(name: TokenName): string | undefined
}

export type TokenName = 'access' | 'refresh'

export interface UpstreamHeaders {
  /** Removes what the client sent under our names, in every spelling. */
  strip(req: IncomingMessage, headers: IncomingHttpHeaders): void
  set(headers: IncomingHttpHeaders, source: HeaderTokens): void
}

/** The names are put together once; what they hold is read at each request. */
type Value = readonly [
  name: string,
  read: (source: HeaderTokens, config: UpstreamHeadersConfig) => string | undefined,
]

interface Naming {
  values: readonly Value[]
  tokens: Partial<Record<TokenName, string>>
}

const presets: Readonly<Record<HeaderPreset, Naming>> = {
  'oauth2-proxy': {
    values: proxyValues('x-forwarded-'),
    tokens: { access: 'x-forwarded-access-token' },
  },
  'oauth2-proxy-nginx': {
    values: proxyValues('x-auth-request-'),
    tokens: { access: 'x-auth-request-access-token' },
  },
}

/** Values longer than these would push a request over the 16 KiB that Node and most proxies take. */
const MAX_VALUE = 1024

export function createUpstreamHeaders(config: UpstreamHeadersConfig): UpstreamHeaders {
  const { headerPrefix, forwardTokens } = config
  const naming =
    headerPrefix === false
      ? undefined
      : isHeaderPreset(headerPrefix)
        ? presets[headerPrefix]
        : ngrokNaming(headerPrefix)
  const preset =
    headerPrefix !== false && isHeaderPreset(headerPrefix) ? presetNames(headerPrefix) : undefined
  const ownPrefix = headerPrefix === false || preset ? 'ngrok-auth-' : headerPrefix
  const isForged = (folded: string) =>
    folded.startsWith('ngrok-auth-') ||
    folded === 'ngrok-auth' ||
    folded.startsWith(ownPrefix) ||
    preset?.has(folded) === true
  const firstLetters = new Set(['n', ownPrefix, ...(preset ? ['x'] : [])].map(firstLetter))
  // One for each instance: of two gates on one request each opens its own tokens.
  const opener: Opener = Symbol('open token')
  const lazily = {
    access: lazyHeader(naming?.tokens.access, 'access', opener),
    refresh: lazyHeader(naming?.tokens.refresh, 'refresh', opener),
  }
  const isReserved = (name: string) => isForged(foldName(name))
  const isOurs = (name: string) => firstLetters.has(firstLetter(name)) && isReserved(name)
  const namesOne = (headers: IncomingHttpHeaders) => {
    for (const name in headers) if (isOurs(name)) return true
    return false
  }
  const listsOne = (raw: readonly string[]) => {
    for (let index = 0; index < raw.length; index += 2) if (isOurs(raw[index] ?? '')) return true
    return false
  }

  // The user of a session that stays in memory is the same object at each request.
  const known = new WeakMap<
    OAuthUser,
    { matched: HeaderTokens['matched']; headers: readonly (readonly [string, string])[] }
  >()
  const encoded = (source: HeaderTokens) => {
    const before = known.get(source.user)
    if (before !== undefined && before.matched === source.matched) return before.headers
    const headers = (naming?.values ?? []).flatMap(([name, read]) => {
      const value = encodeValue(read(source, config))
      return value === undefined ? [] : [[name, value] as const]
    })
    known.set(source.user, { matched: source.matched, headers })
    return headers
  }

  return {
    strip(req, headers) {
      // A middleware in front of us may have taken a name from the headers alone.
      if (namesOne(headers) || listsOne(req.rawHeaders)) stripAll(req, isReserved)
      const { connection } = headers
      if (connection !== undefined && connection.length > 10)
        stripConnection(req, connection, isReserved)
    },
    set(headers, source) {
      if (naming === undefined) return
      for (const [name, value] of encoded(source)) headers[name] = value
      if (forwardTokens === 'none' || config.managed.has(source.user.provider)) return
      for (const token of source.headerTokens) {
        if (token === 'access' || forwardTokens === 'all') lazily[token](headers, source)
      }
    },
  }
}

function ngrokNaming(prefix: string): Naming {
  return {
    values: [
      [`${prefix}user-id`, ({ user }) => user.id],
      [`${prefix}user-name`, ({ user }) => user.name],
      [`${prefix}user-email`, emailOf],
      [
        `${prefix}user-provider`,
        ({ user }, { hasSeveralProviders }) => (hasSeveralProviders ? user.provider : undefined),
      ],
      [`${prefix}github-user-id`, ({ user }) => (isGithub(user) ? user.username : undefined)],
      [
        `${prefix}github-organization`,
        ({ user, matched }) => (isGithub(user) ? organizationOf(matched) : undefined),
      ],
      [
        `${prefix}github-team`,
        ({ user, matched }) =>
          isGithub(user) && matched?.list === 'teams' ? matched.entry : undefined,
      ],
    ],
    tokens: { access: `${prefix}oauth-access-token`, refresh: `${prefix}oauth-refresh-token` },
  }
}

/** GitHub's profile is told from others by its own fields, whatever name the provider has. */
function isGithub({ claims }: OAuthUser): boolean {
  return typeof claims['login'] === 'string' && typeof claims['id'] === 'number'
}

/** The one that matched, or that of the team that did. */
function organizationOf(matched: StoredDecision['matched']): string | undefined {
  if (matched?.list === 'organizations') return matched.entry
  return matched?.list === 'teams' && matched.entry.includes('/')
    ? matched.entry.split('/')[0]
    : undefined
}

function emailOf(
  { user }: HeaderTokens,
  { trustsEmailOf }: UpstreamHeadersConfig,
): string | undefined {
  return user.emailVerified || trustsEmailOf.has(user.provider) ? user.email : undefined
}

function groupsOf({ user }: HeaderTokens): string | undefined {
  return (
    [...user.organizations, ...user.teams, ...user.groups]
      .map((one) => one.replaceAll(',', '%2C'))
      .join(',') || undefined
  )
}

function proxyValues(prefix: string): readonly Value[] {
  return [
    [`${prefix}user`, ({ user }) => user.id],
    [`${prefix}email`, emailOf],
    [`${prefix}preferred-username`, ({ user }) => user.username],
    [`${prefix}groups`, groupsOf],
  ]
}

function presetNames(preset: string): Set<string> {
  const prefix = preset === 'oauth2-proxy' ? 'x-forwarded-' : 'x-auth-request-'
  return new Set(
    ['user', 'email', 'preferred-username', 'groups', 'access-token'].map((name) => prefix + name),
  )
}

/** How a CGI-style upstream could read the name: what is no letter or digit is one separator. */
function foldName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}

/** As the code of the small letter: most names are told apart by it. */
function firstLetter(name: string): number {
  const code = name.charCodeAt(0) | 0x20
  return code >= 0x61 && code <= 0x7a ? code : foldName(name).charCodeAt(0)
}

/** Requests of HTTP/2 have no such list. */
function distinctOf(req: Partial<Pick<IncomingMessage, 'headersDistinct'>>): NodeJS.Dict<string[]> {
  return req.headersDistinct ?? {}
}

function stripAll(req: IncomingMessage, isReserved: (name: string) => boolean): void {
  const distinct = distinctOf(req)
  for (const name of Object.keys(req.headers)) if (isReserved(name)) delete req.headers[name]
  for (const name of Object.keys(distinct)) if (isReserved(name)) delete distinct[name]
  const raw = req.rawHeaders
  const kept = raw.filter((_, index) => !isReserved(raw[index - (index % 2)] ?? ''))
  raw.splice(0, raw.length, ...kept)
}

/** A proxy behind us would drop the headers that `Connection` names. (RFC 9110, 7.6.1) */
function stripConnection(
  req: IncomingMessage,
  connection: string,
  isReserved: (name: string) => boolean,
): void {
  const tokens = connection.split(',')
  const kept = tokens.filter((token) => !isReserved(token.trim()))
  if (kept.length === tokens.length) return
  const distinct = distinctOf(req)
  const value = kept.join(',').trim()
  if (value === '') delete req.headers.connection
  else req.headers.connection = value
  if (value === '') delete distinct['connection']
  else distinct['connection'] = [value]
  const raw = req.rawHeaders
  for (let index = 0; index < raw.length; index += 2)
    if (raw[index]?.toLowerCase() === 'connection') raw[index + 1] = value
}

/** Printable ASCII as it is, everything else and `%` percent-encoded as UTF-8; too long a value is left out. */
function encodeValue(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined
  const plain = /^[\x20-\x24\x26-\x7e]*$/.test(value)
    ? value
    : value.replace(/[^\x20-\x24\x26-\x7e]/gu, percentEncode)
  const trimmed = plain.trim()
  return trimmed === '' || trimmed.length > MAX_VALUE ? undefined : trimmed
}

function percentEncode(character: string): string {
  return [...Buffer.from(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')
}

/** Where the headers of a request keep what opens their tokens. */
type Opener = symbol

type Opening = Partial<Record<Opener, HeaderTokens>>

/**
 * An enumerable accessor, so that a copy of the headers has the token and nobody else pays for opening it. One accessor
 * serves all requests: another one for each would make the engine keep every request's headers in a slow form.
 */
function lazyHeader(
  name: string | undefined,
  token: TokenName,
  opener: Opener,
): (headers: IncomingHttpHeaders, source: HeaderTokens) => void {
  if (name === undefined) return () => {}
  const accessor: PropertyDescriptor & ThisType<Opening> = {
    enumerable: true,
    configurable: true,
    get() {
      return this[opener]?.openToken(token)
    },
    set(value: unknown) {
      Object.defineProperty(this, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      })
    },
  }
  return (headers, source) => {
    Object.defineProperty(headers, opener, { value: source, configurable: true })
    Object.defineProperty(headers, name, accessor)
  }
}
