import { isLoopback } from '../../http/origin.js'
import { proxyFix, reasonOf } from '../../oauth/network-hints.js'
import { divide, error, type Problem, type Severity } from './finding.js'

/** How long one request or connection may take. */
export const REQUEST_TIMEOUT_MS = 10_000

const MAX_CAUSES = 6

/** The code of Node in an error or in one of its causes, such as `ENOTFOUND`. */
export function codeIn(thrown: unknown): string | undefined {
  let cause: unknown = thrown
  for (let depth = 0; depth < MAX_CAUSES && typeof cause === 'object' && cause !== null; depth++) {
    const { code, name, cause: next } = cause as { code?: unknown; name?: unknown; cause?: unknown }
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code)) return code
    if (name === 'TimeoutError' || code === 'provider_timeout') return 'ETIMEDOUT'
    cause = next
  }
  return undefined
}

/** What a URL is, and which option contains it, for the sentences of a finding. */
export interface Subject {
  /** As in "the token endpoint". */
  readonly what: string
  /** As in "issuer". */
  readonly option: string
}

/** A failed connection in plain words. `code` of the finding tells the kinds apart. */
export function networkProblem(thrown: unknown, url: string, subject: Subject): Problem {
  const { host, hostname, protocol, port } = new URL(url)
  const { what, option } = subject
  const at = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
  const code = codeIn(thrown)
  const proxy = proxyFix(url)
  switch (code) {
    case 'ENOTFOUND':
      return error(
        'host_unknown',
        `the host name ${hostname} of ${what} does not exist in DNS`,
        proxy ?? `check the network and the DNS settings of this machine, or correct ${option}`,
      )
    case 'EAI_AGAIN':
      return error(
        'dns_unavailable',
        `the DNS server did not respond to the question for ${hostname}`,
        proxy ?? 'check the DNS settings of this machine',
      )
    case 'ECONNREFUSED':
      return error(
        'connection_refused',
        `nothing listens at ${at}, where ${what} is configured`,
        proxy ?? `start the server there, or correct ${option}`,
      )
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return error(
        'no_connection',
        `${what} at ${at} did not respond in time (${code})`,
        proxy ?? connectionFix(hostname, option),
      )
    case undefined:
      return unknownProblem(thrown, host, what, option)
  }
  const { problem, fix } = divide(`the connection to ${host} failed${reasonOf(thrown, url)}`)
  return (
    certificateProblem(code, hostname, what) ??
    error('connection_failed', problem, fix ?? connectionFix(hostname, option))
  )
}

function connectionFix(hostname: string, option: string): string {
  return isLoopback(hostname)
    ? `check whether the server there is busy or stuck, or correct ${option}`
    : `allow connections from this machine to ${hostname} in the firewall, or correct ${option}`
}

function unknownProblem(thrown: unknown, host: string, what: string, option: string): Problem {
  const reason = reasonOf(thrown, `https://${host}`)
  const { problem, fix } = divide(`the request to ${what} at ${host} failed${reason}`)
  return error(
    'connection_failed',
    problem,
    fix ?? `check ${option} and the network of this machine`,
  )
}

const UNTRUSTED = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]

/** Why a certificate is rejected; `undefined` if the code is not about one. */
export function certificateProblem(
  code: string,
  hostname: string,
  what: string,
): Problem | undefined {
  const of = `the TLS certificate of ${hostname} (${what})`
  if (UNTRUSTED.includes(code))
    return error(
      'certificate_untrusted',
      `${of} is not from an authority that Node trusts (${code})`,
      'for an internal authority, start with NODE_EXTRA_CA_CERTS set to the PEM file of that authority; otherwise have the server send its complete chain',
    )
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return error(
      'certificate_other_host',
      `${of} is for another host name`,
      `use a host name of the certificate, or install one for ${hostname}`,
    )
  if (code === 'CERT_HAS_EXPIRED')
    return error(
      'certificate_expired',
      `${of} has expired`,
      'renew the certificate, or correct the clock of this machine',
    )
  if (code === 'CERT_NOT_YET_VALID')
    return error(
      'certificate_not_yet_valid',
      `${of} is not valid yet`,
      'correct the clock of this machine',
    )
  if (/^EPROTO$|^ERR_SSL_/.test(code))
    return error(
      'no_tls',
      `the server of ${hostname} (${what}) does not speak TLS at this port (${code})`,
      'write http instead of https in the URL if the server uses plain http, or correct the port',
    )
  return undefined
}

/** The same problem with another severity. */
export function as(severity: Severity, problem: Problem): Problem {
  return { ...problem, severity }
}
