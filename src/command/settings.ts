import { isIP } from 'node:net'
import { adminTokenField } from '../admin/options.js'
import { isLoopback } from '../http/origin.js'
import type { Field } from '../schema/field.js'
import { boolean, custom, oneOf, string, strings } from '../schema/types.js'
import { allowedPathProblem } from './gateway/allowed-paths.js'
import type { ListenAddress } from './gateway/index.js'
import { trustedProxyProblem } from './gateway/trusted-proxies.js'

/** What the command has besides the options of `oauthModule()`. */
export interface Settings {
  /** The app behind the gate: a port, `host:port`, or a URL. */
  target?: string | undefined
  /** Where the command listens: a port, `host:port`, or a host. Default `'127.0.0.1:8080'`. */
  listen?: string | undefined
  /**
   * Requests that need no login, as in `'GET /health'` or `'GET /public/*'`: exactly that path and
   * method, HEAD with GET. Default: none.
   */
  allowPath?: readonly string[] | undefined
  /**
   * Addresses and networks of proxies whose `X-Forwarded-*` headers count: `'10.0.0.0/8'`, or
   * `'loopback'`. Default: none.
   */
  trustedProxy?: readonly string[] | undefined
  /**
   * Respond to subrequests of a proxy instead of proxying: `true` for nginx, `'forward'` for Traefik
   * and Caddy. Default `false`.
   */
  authRequest?: boolean | 'forward' | undefined
  /** Serves the admin API below `/auth/admin`, for requests with this token. Default: none. */
  adminToken?: string | undefined
  /** Write a log line for each request. Default `true`. */
  accessLog?: boolean | undefined
}

/** The fields of {@link Settings}. */
export const settingFields = {
  target: orPort(string({ check: (value) => problemOf(() => parseTarget(value)) })).describe(
    "The app behind the gate: a port, host:port, or a URL, as in 'http://app:3000'.",
  ),
  listen: orPort(string({ check: (value) => problemOf(() => parseListen(value)) })).describe(
    "Where the command listens: a port, host:port, or a host. Default '127.0.0.1:8080'.",
  ),
  allowPath: strings({ check: allowedPathProblem })
    .rejectUndefined()
    .describe("Requests that need no login, as in 'GET /health' or 'GET /public/*'."),
  trustedProxy: strings({ check: trustedProxyProblem }).describe(
    'Proxies whose X-Forwarded-* headers count, by address or network.',
  ),
  authRequest: oneOf([true, false, 'forward']).describe(
    "Respond to subrequests of a proxy instead of proxying: true for nginx, 'forward' for Traefik and Caddy.",
  ),
  adminToken: adminTokenField.describe(
    'Serves the admin API below /auth/admin, for requests with this token: at least 32 characters.',
  ),
  accessLog: boolean().default(true).describe('Write a log line for each request.'),
} satisfies Record<keyof Settings, Field>

/** Where the command listens by default. */
export const DEFAULT_LISTEN: ListenAddress = { host: '127.0.0.1', port: 8080 }

/** YAML reads a port as a number. */
function orPort(field: Field<string, undefined>): Field<string, undefined> {
  return custom(
    (value, mistakes) => field.parse(typeof value === 'number' ? String(value) : value, mistakes),
    { type: 'anyOf', of: [{ type: 'integer', min: 0, max: 65_535 }, field.schema] },
  )
}

function problemOf(parse: () => unknown): string | undefined {
  try {
    parse()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'is invalid'
  }
}

const PORT = /^\d{1,5}$/

function portOf(text: string): number {
  const port = Number(text)
  if (port > 65_535) throw new Error('has a port above 65535')
  return port
}

/** The origin of the app. Throws an error that completes "target …". */
export function parseTarget(value: string): URL {
  if (PORT.test(value)) return new URL(`http://127.0.0.1:${portOf(value)}`)
  const href = value.includes('://') ? value : `http://${value}`
  const problem = URL.canParse(href) ? targetProblem(new URL(href)) : 'is not a URL'
  if (problem !== undefined)
    throw new Error(`${problem}: write a port, host:port, or a URL, as in http://127.0.0.1:3000`)
  return new URL(href)
}

function targetProblem(target: URL): string | undefined {
  const { protocol, username, password, pathname, search, hash } = target
  if (protocol !== 'http:' && protocol !== 'https:') return 'must be an http or https URL'
  if (username !== '' || password !== '') return 'must not contain a user name or password'
  return pathname !== '/' || search !== '' || hash !== ''
    ? 'must not have a path, query or fragment: paths of requests are kept'
    : undefined
}

/** Where to listen. Throws an error that completes "listen …". */
export function parseListen(value: string): ListenAddress {
  if (PORT.test(value)) return { ...DEFAULT_LISTEN, port: portOf(value) }
  const [, bracketed, name, port] =
    /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::(\d{1,5}))?$/i.exec(value) ?? []
  const host = bracketed ?? name ?? (isIP(value) === 6 ? value : undefined)
  if (host === undefined)
    throw new Error("must be a port, a host, or both, as in '0.0.0.0:8080' or '[::]:8080'")
  return { host, port: port === undefined ? DEFAULT_LISTEN.port : portOf(port) }
}

/** Whether only this machine reaches the address. */
export function isLoopbackAddress({ host }: ListenAddress): boolean {
  return isLoopback(host.includes(':') ? `[${host}]` : host)
}
