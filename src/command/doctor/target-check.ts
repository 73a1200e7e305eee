import { connect } from 'node:net'
import { isLoopback } from '../../http/origin.js'
import { certificateProblems } from './certificate.js'
import { error, type Problem, warning } from './finding.js'
import { networkProblem } from './network.js'

const TIMEOUT_MS = 5_000

/** Where the command accepts requests. */
export interface Listen {
  readonly host: string
  readonly port: number
}

/** Whether something listens where the command forwards requests. */
export async function checkTarget(target: URL, listen: Listen | undefined): Promise<Problem[]> {
  const { hostname, host, protocol } = target
  const port = Number(target.port || (protocol === 'https:' ? 443 : 80))
  if (listen !== undefined && isSame(hostname, listen.host) && port === listen.port)
    return [
      error(
        'target_is_gate',
        `the target ${host} is the address at which the gate itself listens: requests would run in a circle`,
        'set the target to the port of your app, or listen at another port',
      ),
    ]
  const failure = await failureOf(hostname.replace(/^\[|\]$/g, ''), port)
  if (failure !== undefined) return [targetProblem(failure, target)]
  const certificates = await certificateProblems(target.href, 'your app')
  return isLoopback(hostname) || protocol === 'https:'
    ? certificates
    : [
        warning(
          'target_on_network',
          `the target ${host} is on another machine, and is reached over plain http: anyone who can reach it directly bypasses the login`,
          'make sure that only the gate can reach the target, and use https if the network between the two is not trusted',
        ),
      ]
}

function targetProblem(failure: unknown, target: URL): Problem {
  const problem = networkProblem(failure, target.href, { what: 'your app', option: 'the target' })
  const { host } = target
  return problem.code === 'connection_refused'
    ? error(
        'target_down',
        `nothing listens at the target ${host}: each request would get the page with status 502`,
        `start your app at ${host}, or correct the target`,
      )
    : problem
}

/** `listening` may be all addresses of this machine. */
function isSame(target: string, listening: string): boolean {
  if (target === listening) return true
  return isLoopback(target) && (isLoopback(listening) || isWildcard(listening))
}

/** Whether a server listens at all addresses. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** The error of a connection, or `undefined` if there is one. */
function failureOf(host: string, port: number): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const finish = (failure?: unknown) => {
      socket.destroy()
      resolve(failure)
    }
    socket.setTimeout(TIMEOUT_MS, () => finish(Object.assign(new Error(), { code: 'ETIMEDOUT' })))
    socket.once('connect', () => finish())
    socket.once('error', (thrown) => finish(thrown))
  })
}
