import { types } from 'node:util'
import { isObject } from '../http/json.js'
import { isLoopback } from '../http/origin.js'

/**
 * Why a certificate is rejected, and how to fix it.
 * (https://nodejs.org/api/tls.html#x509-certificate-error-codes)
 */
const UNTRUSTED =
  'the certificate is not from an authority that Node trusts; for an internal one, start Node with NODE_EXTRA_CA_CERTS set to the PEM file of that authority'
const CERTIFICATE_FIXES: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host name',
  CERT_HAS_EXPIRED: 'renew the certificate, or correct the clock of this machine',
  CERT_NOT_YET_VALID: 'correct the clock of this machine',
}

/** The connection was not made, so the network is the cause. */
const UNREACHABLE = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/**
 * Why `fetch` failed, and how to fix it: the code of a cause, such as `ENOTFOUND`, because the
 * message of the error is only `fetch failed`. Never quotes the URL of a proxy, which may contain a
 * password.
 */
export function reasonOf(error: unknown, url: string): string {
  const causes = causesOf(error)
  const status = causes.map(proxyStatus).find((found) => found !== undefined)
  if (status !== undefined)
    return `: the proxy responded to CONNECT with status ${status}; check HTTPS_PROXY, or exempt the host by NO_PROXY`
  const code = causes.map(codeOf).find((found) => found !== undefined)
  if (code === undefined) return ''
  const fix = CERTIFICATE_FIXES[code] ?? (UNREACHABLE.has(code) ? proxyFix(url) : undefined)
  return fix === undefined ? `: ${code}` : `: ${code}. Hint: ${fix}`
}

/** How to use the proxy that the environment names, if Node connects directly. */
export function proxyFix(url: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (!URL.canParse(url) || usesOwnDispatcher()) return undefined
  const { protocol, hostname } = new URL(url)
  const names = protocol === 'https:' ? ['HTTPS_PROXY', 'ALL_PROXY'] : ['HTTP_PROXY', 'ALL_PROXY']
  const name = names.flatMap((one) => [one, one.toLowerCase()]).find((one) => env[one])
  if (name === undefined || isLoopback(hostname) || isExempt(hostname, env)) return undefined
  return `${name} is set, but Node connects directly: it uses HTTPS_PROXY and HTTP_PROXY only with NODE_USE_ENV_PROXY=1 (Node 22.21, 24) or with EnvHttpProxyAgent of undici (Node 20), see docs/networks.md`
}

/** Whether `NO_PROXY` lists the host, or a domain of it. */
function isExempt(hostname: string, { NO_PROXY, no_proxy: lower = NO_PROXY }: NodeJS.ProcessEnv) {
  return (lower ?? '')
    .split(/[\s,]+/)
    .map((entry) => entry.replace(/^\*?\.?/, '').replace(/:\d+$/, ''))
    .some((entry) => entry !== '' && (hostname === entry || hostname.endsWith(`.${entry}`)))
}

/** Where `fetch` and the package undici keep the agent: the second since Node 24. */
const DISPATCHER_KEYS = [1, 2].map((version) => Symbol.for(`undici.globalDispatcher.${version}`))
/** Node's own: since Node 26, the first wraps the second. */
const DEFAULT_DISPATCHERS = ['Agent', 'Dispatcher1Wrapper']

/**
 * Whether `fetch` connects in another way than Node's default: by a proxy from the environment, or
 * by an agent of the app.
 */
function usesOwnDispatcher(): boolean {
  return DISPATCHER_KEYS.some((key) => {
    const dispatcher: unknown = Reflect.get(globalThis, key)
    return isObject(dispatcher) && !DEFAULT_DISPATCHERS.includes(dispatcher.constructor.name)
  })
}

function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = []
  for (let cause = error; isError(cause) && causes.length < 5; cause = cause.cause)
    causes.push(cause)
  return causes
}

/**
 * Errors of `fetch` may be of another realm, as in Jest; a `DOMException` is not a native error.
 */
function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value)
}

function codeOf(cause: Error): string | undefined {
  const { code } = cause as { code?: unknown }
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined
}

/** undici has no code for a proxy that rejects the tunnel. */
function proxyStatus({ message }: Error): string | undefined {
  return /^Proxy response \((\d{3})\)/.exec(message)?.[1]
}
