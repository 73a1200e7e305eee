import { isIP } from 'node:net'
import { connect, type PeerCertificate } from 'node:tls'
import { isObject } from '../../http/json.js'
import { certificateProblem } from './network.js'
import { error, type Problem, warning } from './finding.js'

/** Behind a proxy, direct connections may be dropped silently. */
const TIMEOUT_MS = 4_000
const DAY_MS = 86_400_000
const WARNED_DAYS = 21
/** Certificates with a shorter lifetime are renewed by machines, every few days. */
const SHORT_LIFETIME_DAYS = 11

/** What a TLS server presents, whether it is valid or not. */
interface Presented {
  readonly certificate: PeerCertificate
  readonly problem: string | undefined
}

/**
 * Problems with the certificate of an https URL: not accepted, or expiring soon. None if there is no
 * TLS connection: that is reported by others.
 */
export async function certificateProblems(url: string, what: string): Promise<Problem[]> {
  const { protocol, hostname, port } = new URL(url)
  if (protocol !== 'https:') return []
  const presented = await present(hostname.replace(/^\[|\]$/g, ''), Number(port || 443))
  if (presented === undefined) return []
  const { problem, certificate } = presented
  const rejected = problem === undefined ? undefined : certificateProblem(problem, hostname, what)
  const expiry = expiryProblem(certificate, hostname, what, Date.now())
  // A certificate that is both untrusted and expired needs a new one in any case.
  if (expiry?.severity === 'error') return [expiry]
  return [rejected, expiry].filter((one) => one !== undefined)
}

function expiryProblem(
  certificate: PeerCertificate,
  hostname: string,
  what: string,
  now: number,
): Problem | undefined {
  const [from, to] = [Date.parse(certificate.valid_from), Date.parse(certificate.valid_to)]
  if (Number.isNaN(from) || Number.isNaN(to)) return undefined
  const of = `the TLS certificate of ${hostname} (${what})`
  const date = new Date(to).toISOString().slice(0, 10)
  if (to <= now)
    return error(
      'certificate_expired',
      `${of} expired on ${date}`,
      'renew the certificate, or correct the clock of this machine',
    )
  const [days, lifetime] = [(to - now) / DAY_MS, (to - from) / DAY_MS]
  const limit = lifetime < SHORT_LIFETIME_DAYS ? lifetime / 3 : WARNED_DAYS
  if (days >= limit) return undefined
  const left = days < 2 ? `${Math.floor(days * 24)} hours` : `${Math.floor(days)} days`
  return warning(
    'certificate_expires',
    `${of} expires in ${left}, on ${date}`,
    'renew it now, and check why it was not renewed automatically',
  )
}

/** Connects without verification, in order to see what would be rejected. */
function present(host: string, port: number): Promise<Presented | undefined> {
  return new Promise((resolve) => {
    const servername = isIP(host) === 0 ? { servername: host } : {}
    // Nothing is sent over this connection.
    const socket = connect({ host, port, ...servername, rejectUnauthorized: false })
    const finish = (presented?: Presented) => {
      socket.destroy()
      resolve(presented)
    }
    socket.setTimeout(TIMEOUT_MS, finish)
    socket.once('error', () => finish())
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate()
      finish(
        isObject(certificate) && 'valid_to' in certificate
          ? { certificate, problem: problemOf(socket.authorizationError) }
          : undefined,
      )
    })
  })
}

/** Node declares an error and provides its code, or the other way around. */
function problemOf(found: unknown): string | undefined {
  if (typeof found === 'string') return found
  const code = isObject(found) ? found['code'] : undefined
  return typeof code === 'string' ? code : undefined
}
